import fc from 'fast-check'
import fields from '../data/engine-api-fields.json' with { type: 'json' }
import type { Endpoint } from '../../lib/endpoint.ts'
import { foreign, mine, own, theirs } from './town.ts'

/** Requests to a row as jobs, broken clients and attackers send them. */
export interface Sent {
  method: string
  target: string
  headers: Record<string, string>
  body: Uint8Array
}

const weird = ['..', '.', '', '%00', '\u0000', '//', 'container:', `container:${theirs.container}`, 'host', 'none', 'bridge', 'default', 'a/b', 'ＤＢ', 'db\u0301', '\u202edb', 'x'.repeat(300), "'; --", '__proto__', 'constructor']
const prefixed = (id: string) => fc.integer({ min: 1, max: id.length }).map((length) => id.slice(0, length))

/** What may stand where a request names something. */
export const term: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('db', 'data', 'net', 'app:1', 'app', 'busybox', 'bridge', mine.container, mine.network, mine.exec, mine.image, mine.volume, mine.reference, `/${own}.db`) },
  { weight: 3, arbitrary: fc.constantFrom(theirs.container, theirs.network, theirs.exec, theirs.image, theirs.volume, theirs.reference, `${foreign}.hiddendb`, 'hiddendb', 'hiddenapp:1', `${theirs.container}\u0000`) },
  { weight: 2, arbitrary: fc.constantFrom(mine.container, theirs.container, mine.network, theirs.network, mine.image, theirs.image, theirs.image.slice(7)).chain(prefixed) },
  { weight: 1, arbitrary: fc.constantFrom(...weird) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
)

const number = fc.constantFrom('0', '1', '-1', '9223372036854775807', '-9223372036854775808', '18446744073709551616', '1e3', '1.0', '6e7', '01')
const filterKey = fc.constantFrom('id', 'name', 'label', 'label!', 'status', 'before', 'since', 'ancestor', 'network', 'volume', 'reference', 'dangling', 'type', 'driver', 'until', 'Label', 'all', '__proto__')
const filterValue = fc.oneof(term, fc.constantFrom('true', 'false', '.*', '^/?db$', '(', `io.moorage.namespace=${foreign}`, 'moorage.invalid/*'))

/** Both forms of filters, sometimes mixed. */
export const filters: fc.Arbitrary<string> = fc.dictionary(filterKey, fc.oneof(fc.array(filterValue, { maxLength: 3 }), fc.dictionary(filterValue, fc.boolean(), { maxKeys: 3 }), fc.constant(null)), { maxKeys: 3 }).map((value) => JSON.stringify(value))

const encoded = fc.oneof({ weight: 5, arbitrary: fc.constant(encodeURIComponent) }, { weight: 1, arbitrary: fc.constant((text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')) }, { weight: 1, arbitrary: fc.constant((text: string) => text.replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent)) })

function query(known: readonly string[]): fc.Arbitrary<string> {
  const key = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...known, 'filters') }, { weight: 1, arbitrary: fc.constantFrom('link', 'checkpoint', 'checkpoint-dir', 'remote', 'networkmode', 'version', 'All') })
  const pair = key.chain((name) => fc.tuple(fc.constant(name), name === 'filters' ? filters : fc.oneof(term, number, fc.constantFrom('true', 'false', '1', '-', '', 'off', '{}', 'LABEL a=b', 'RUN x', 'sha256'))))
  return fc.array(fc.tuple(pair, encoded), { maxLength: 5 }).map((pairs) => pairs.map(([[name, value], encode]) => `${encode(name)}=${encode(value)}`).join('&'))
}

const bodies: Record<string, keyof typeof fields.bodies> = {
  ContainerCreate: 'container-create', ContainerUpdate: 'container-update', ContainerExec: 'exec-create', ExecStart: 'exec-start', NetworkCreate: 'network-create', NetworkConnect: 'network-connect',
  NetworkDisconnect: 'network-disconnect', VolumeCreate: 'volume-create', ImageCommit: 'commit', SystemAuth: 'auth',
}

/** Values of fields that name things; other fields get what fits their type, or does not. */
const naming: Record<string, (name: string) => unknown> = {
  Image: (name) => name, Container: (name) => name, Name: (name) => name, Source: (name) => name, NetworkMode: (name) => name, PidMode: (name) => `container:${name}`, IpcMode: (name) => `container:${name}`,
  Binds: (name) => [`${name}:/x`], VolumesFrom: (name) => [name], Links: (name) => [`${name}:alias`], EndpointsConfig: (name) => ({ [name]: { Aliases: [name], Links: null } }),
  Mounts: (name) => [{ Type: ['volume', 'image', 'bind', 'tmpfs'][name.length % 4], Source: name, Target: '/x' }],
}

function valueOf(type: string): fc.Arbitrary<unknown> {
  const fitting: fc.Arbitrary<unknown> = type === 'bool' ? fc.boolean()
    : /^u?int/.test(type) ? fc.constantFrom(0, 1, -1, 100, 2 ** 31)
      : type.startsWith('[]') ? fc.oneof(fc.constant([]), fc.array(term, { maxLength: 2 }))
        : type.startsWith('map') ? fc.oneof(fc.constant({}), fc.dictionary(term, fc.constantFrom('', 'x', {}), { maxKeys: 2 }))
          : fc.oneof(fc.constantFrom('', 'x', 'host', 'private'), term)
  return fc.oneof({ weight: 4, arbitrary: fitting }, { weight: 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) })
}

/** One field of the engine's API, or none of it, with a value; nested ones inside their parents. */
function field(kind: keyof typeof fields.bodies): fc.Arbitrary<object> {
  const top = fields.bodies[kind].filter(({ path }) => !/[[{*]/.test(path))
  return fc.constantFrom(...top).chain(({ path, type }) => {
    const name = path.split('.').at(-1)!
    const value = Object.hasOwn(naming, name) ? fc.oneof({ weight: 3, arbitrary: term.map(naming[name]!) }, { weight: 1, arbitrary: valueOf(type) }) : valueOf(type)
    return value.map((leaf) => path.split('.').reduceRight<unknown>((inside, key) => ({ [key]: inside }), leaf) as object)
  })
}

const base: Record<string, object> = { 'container-create': { Image: 'busybox' }, 'exec-create': { Cmd: ['true'] }, 'network-create': { Name: 'new' }, 'volume-create': { Name: 'new' }, 'network-connect': { Container: 'db' }, 'network-disconnect': { Container: 'db' } }

function merged(parts: readonly object[]): any {
  return parts.reduce<any>((all, part) => {
    for (const [key, value] of Object.entries(part)) {
      const both = [all[key], value].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
      Object.defineProperty(all, key, { value: both ? merged([{ ...all[key] }, value]) : value, enumerable: true, configurable: true, writable: true })
    }
    return all
  }, {})
}

/** The spellings of a JSON text that decoders read in different ways. */
const spelled = fc.constantFrom<(text: string) => string>(
  (text) => text, (text) => text, (text) => text, (text) => text, (text) => text,
  (text) => text.replace(/"(\w+)":/, (_all, key: string) => `"${key.toLowerCase()}":`),
  (text) => text.replaceAll(/"(\w+)":/g, (_all, key: string) => `"${key.toUpperCase()}":`),
  (text) => text.replace(/s(\w*)":/, '\u017f$1":'), (text) => text.replace(/k(\w*)":/i, '\u212a$1":'),
  (text) => text.replace('{', '{"HostConfig":{"Privileged":true},'), (text) => text.replace('{', '{"hostconfig":{},'),
  (text) => text.replace(/"Image":/, '"Image":"busybox","image":'), (text) => `${text}]`, (text) => `${text} {}`, (text) => text.replace(/\d+/, '9223372036854775807'), (text) => text.slice(0, -1),
)

function bodyOf(row: Endpoint): fc.Arbitrary<Uint8Array> {
  const kind = bodies[row.name]
  if (kind === undefined) return fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 600 }))
  return fc.tuple(fc.array(field(kind), { maxLength: 3 }), spelled).map(([parts, spell]) => new TextEncoder().encode(spell(JSON.stringify(merged([{ ...base[kind] }, ...parts])))))
}

const type = fc.oneof({ weight: 8, arbitrary: fc.constant('application/json') }, { weight: 1, arbitrary: fc.constantFrom('application/x-www-form-urlencoded', 'text/plain', 'Application/JSON; x=y', '') })
const version = fc.constantFrom('', '', '/v1.51', '/v1.24', '/v1.41', '/v1.99', '/v1', '/v1.51/v1.51')

/** Names of the namespace's own that the row's path may have. */
function rightNames(row: Endpoint): readonly string[] {
  const kind = row.owns ?? (/^[A-Z]+ \/(container|network|volume|image|exec)/.exec(row.route)?.[1] as NonNullable<Endpoint['owns']> | undefined) ?? 'container'
  return { container: ['db', mine.container, mine.container.slice(0, 5)], network: ['net', 'bridge', mine.network], volume: ['data'], exec: [mine.exec], image: ['app:1', 'busybox', mine.image] }[kind]
}

/** What the row's path may name: half of the time something of the namespace that is of the right kind. */
const named = (row: Endpoint): fc.Arbitrary<string> => fc.oneof(fc.constantFrom(...rightNames(row)), term)

/** A request that has nothing wrong with it, for most rows. */
export function plainRequest(row: Endpoint): Sent {
  const kind = bodies[row.name]
  return sent(row, {
    version: '', name: encodeURIComponent(rightNames(row)[0]!), query: Object.keys(row.query ?? {}).includes('h') ? 'h=1&w=1' : '', type: 'application/json',
    body: new TextEncoder().encode(kind === undefined ? '' : JSON.stringify(base[kind] ?? {})),
  })
}

function sent(row: Endpoint, { version: prefix, name, query: search, type: contentType, body }: { version: string; name: string; query: string; type: string; body: Uint8Array }): Sent {
  const [method, route] = row.route.split(' ') as [string, string]
  const session = { 'x-docker-expose-session-uuid': name.slice(0, 40), 'x-docker-expose-session-sharedkey': name, 'x-docker-expose-session-grpc-method': '/moby.upload.v1.Upload/Pull' }
  return {
    method, body, headers: { 'content-type': contentType, ...(row.name === 'Session' && session) },
    target: `${prefix}${route.replace(/:\w+(\{[^}]*\})?/g, () => name)}${search === '' ? '' : `?${search}`}`,
  }
}

/** Requests that this row may serve. */
export function requestsTo(row: Endpoint): fc.Arbitrary<Sent> {
  const known = Object.keys(row.query ?? {})
  return fc.record({
    version, type, body: bodyOf(row), name: fc.tuple(named(row), encoded).map(([text, encode]) => encode(text)),
    query: fc.oneof(fc.constantFrom(known.includes('h') ? 'h=1&w=1' : '', 'fromSrc=-&repo=new', 'repo=new&tag=2', 'container=db'), query(known)),
  }).map((made) => sent(row, made))
}
