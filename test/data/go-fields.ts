/** The fields of request bodies as the engine's Go structs list them: some are in no API definition. Names and types only. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Fields } from './swagger-fields.ts'

/** Declarations by `package.Name`: the text after the name. */
export type Declarations = Map<string, { pkg: string; text: string }>

/** Reads every `type Name ...` below a folder of Go packages; platforms other than Linux left out. */
export function readDeclarations(folder: string): Declarations {
  const declarations: Declarations = new Map()
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!_test|_windows)\.go$/.test(file))
  for (const file of files) {
    const pkg = basename(dirname(join(folder, file)))
    const source = readFileSync(join(folder, file), 'utf8').replace(/\/\/.*$/gm, '')
    for (const [, name, text] of source.matchAll(/^type (\w+) (struct \{[^]*?^\}|[^\n]+)/gm)) {
      declarations.set(`${pkg}.${name}`, { pkg, text: text!.trim() })
    }
  }
  return declarations
}

/** The fields of `package.Name`, field by field, as encoding/json names them. */
export function structFields(declarations: Declarations, name: string): Fields {
  const fields: Fields = new Map()
  collect(declarations, name, '', fields, [])
  return fields
}

function collect(declarations: Declarations, type: string, at: string, fields: Fields, seen: readonly string[]): void {
  const bare = type.replace(/^\*/, '')
  const nested = /^(\[\d*\]|map\[[^\]]*\])(.+)$/.exec(bare)
  if (nested !== null) return collect(declarations, nested[2]!, `${at}${nested[1]!.startsWith('map') ? '{}' : '[]'}`, fields, seen)
  const declared = declarations.get(bare)
  if (declared === undefined || seen.includes(bare)) return
  const { pkg, text } = declared
  if (!text.startsWith('struct')) return collect(declarations, qualified(text.replace(/^= ?/, ''), pkg), at, fields, seen.concat(bare))
  for (const line of text.split('\n').slice(1, -1)) field(declarations, line.trim(), { pkg, at, fields, seen: [...seen, bare] })
}

interface Place {
  pkg: string
  at: string
  fields: Fields
  seen: readonly string[]
}

function field(declarations: Declarations, line: string, { pkg, at, fields, seen }: Place): void {
  const embedded = /^\*?[\w.]+$/.exec(line)
  if (embedded !== null) return collect(declarations, qualified(line, pkg), at, fields, seen)
  const match = /^(\w+)\s+(\S+)(?:\s+`json:"([^",]*)[^`]*`)?/.exec(line)
  if (match === null || match[3] === '-') return
  const [, name = '', type = '', tag] = match
  const path = at === '' ? tag || name : `${at}.${tag || name}`
  fields.set(path, type)
  collect(declarations, qualified(type, pkg), path, fields, seen)
}

/** A type's name with its package: `Resources` in package container is `container.Resources`. */
function qualified(type: string, pkg: string): string {
  return type.replace(/^(\*|\[\d*\]|map\[[^\]]*\])*/, (prefix) => prefix).replace(/(^|[\]*])([A-Z]\w*)$/, `$1${pkg}.$2`)
}

/** The query parameters that the build endpoint reads; its API definition leaves out half of them. */
export function buildParameters(checkout: string): Fields {
  const source = readFileSync(join(checkout, 'daemon/server/router/build/build_routes.go'), 'utf8')
  const [body = ''] = /^func newImageBuildOptions[^]*?^}/m.exec(source) ?? []
  const names = body.matchAll(/(?:FormValue\(|Form\.Get\(|Form\[|Value\w*\(r, )"(\w+)"/g)
  return new Map(Array.from(names, ([, name]) => [name!, 'string']))
}
