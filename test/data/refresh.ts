/**
 * Writes `engine-api-fields.json`: every field of the engine's request bodies and of the build query, with its type and the first
 * version of the API that has it. Usage: `node test/data/refresh.ts CHECKOUT`, a checkout of github.com/moby/moby.
 * Facts only: names, types, versions.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { buildParameters, readDeclarations, structFields } from './go-fields.ts'
import { bodyFields, type Fields, queryFields } from './swagger-fields.ts'

export interface EngineField {
  path: string
  /** Go's name of the type where the structs have the field, else the API definition's. */
  type: string
  /** Versions before 1.25 have no definition in this form: `1.25` means that or earlier. Absent: in the structs only. */
  since?: string
}

export interface EngineApi {
  /** The newest version of the API the facts were taken from. */
  version: string
  bodies: Record<string, EngineField[]>
  buildQuery: EngineField[]
}

/** Request bodies: where the API definition has them, and what the structs call them. */
const bodies: Record<string, { path: string; struct: string }> = {
  'container-create': { path: '/containers/create', struct: 'container.CreateRequest' },
  'container-update': { path: '/containers/{id}/update', struct: 'container.UpdateConfig' },
  'exec-create': { path: '/containers/{id}/exec', struct: 'container.ExecCreateRequest' },
  'exec-start': { path: '/exec/{id}/start', struct: 'container.ExecStartRequest' },
  'network-create': { path: '/networks/create', struct: 'network.CreateRequest' },
  'network-connect': { path: '/networks/{id}/connect', struct: 'network.ConnectRequest' },
  'network-disconnect': { path: '/networks/{id}/disconnect', struct: 'network.DisconnectRequest' },
  'volume-create': { path: '/volumes/create', struct: 'volume.CreateRequest' },
  commit: { path: '/commit', struct: 'container.Config' },
  auth: { path: '/auth', struct: 'registry.AuthConfig' },
}

interface Version {
  name: string
  api: any
}

function versions(checkout: string): Version[] {
  const docs = join(checkout, 'api/docs')
  const files = readdirSync(docs).filter((file) => file.endsWith('.yaml')).map((file) => join(docs, file))
  return [...files, join(checkout, 'api/swagger.yaml')]
    .map(readDefinition)
    .map((api) => ({ name: String(api.info.version), api }))
    .sort((a, b) => Number(a.name.split('.')[1]) - Number(b.name.split('.')[1]))
}

/** Older definitions have slips of indentation in their prose, which strict parsing would refuse. */
function readDefinition(file: string): any {
  return parseDocument(readFileSync(file, 'utf8'), { logLevel: 'error' }).toJS()
}

/** One list of many: a field belongs to the first version that has it, however that spells it; Go's names and types win. */
function merged(perVersion: Array<{ name: string; fields: Fields }>, structs: Fields): EngineField[] {
  const merged = new Map<string, EngineField>()
  for (const { name, fields } of perVersion) {
    for (const [path, type] of fields) merged.set(path.toLowerCase(), { since: name, ...merged.get(path.toLowerCase()), path, type })
  }
  for (const [path, type] of structs) merged.set(path.toLowerCase(), { ...merged.get(path.toLowerCase()), path, type })
  return [...merged.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function engineApi(checkout: string): EngineApi {
  const all = versions(checkout)
  const declarations = readDeclarations(join(checkout, 'api/types'))
  const listed = (read: (api: any) => Fields, structs: Fields) =>
    merged(all.map(({ name, api }) => ({ name, fields: read(api) })), structs)
  return {
    version: all.at(-1)?.name ?? '',
    bodies: Object.fromEntries(Object.entries(bodies).map(([name, { path, struct }]) =>
      [name, listed((api) => bodyFields(api, path), structFields(declarations, struct))])),
    buildQuery: listed((api) => queryFields(api, '/build'), buildParameters(checkout)),
  }
}

const [, , checkout] = process.argv
if (checkout === undefined) {
  console.error('usage: node test/data/refresh.ts CHECKOUT (of github.com/moby/moby)')
  process.exit(2)
}
writeFileSync(new URL('engine-api-fields.json', import.meta.url), `${JSON.stringify(engineApi(checkout), null, 1)}\n`)
