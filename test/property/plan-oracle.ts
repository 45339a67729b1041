import assert from 'node:assert/strict'
import fields from '../data/engine-api-fields.json' with { type: 'json' }
import type { EngineRequest } from '../../lib/engine.ts'
import { stringify } from '../../lib/json.ts'
import { mine, own, sharedImage } from './town.ts'

/**
 * What may go to an engine for the own namespace, written down a second time and independently of the rows: every place of a request that
 * an engine looks something up by must name a thing of the namespace or a form that only the namespace has.
 */

/** Ids the engine of the town has just made begin so; the bridges' are made of their namespace. */
const isOwnId = (id: string) => id === mine.container || id === mine.network || /^(66|55)[0-9a-f]{62}$/.test(id)
const isStoredName = (name: string) => new RegExp(`^${own}\\.[a-zA-Z0-9][a-zA-Z0-9_.-]*$`).test(name)
/** At create the engine takes any text as a name that may be there at the start; in front is always the namespace. */
const hasStoredForm = (name: string) => name.startsWith(`${own}.`)
const isOwnTag = (reference: string) => new RegExp(`^moorage\\.invalid/${own}/[a-z0-9._/-]+(:[\\w.-]+)?$`).test(reference)
const isOwnImage = (name: string) => [mine.image, sharedImage, 'busybox:latest', 'busybox', 'docker.io/library/busybox:latest'].includes(name) || /^sha256:66[0-9a-f]{62}$/.test(name) || isOwnTag(name)
const isRegistryReference = (reference: string) => /^[a-z0-9.-]+(:\d+)?\/[a-z0-9._/-]+([:@].*)?$/.test(reference) && !reference.startsWith('moorage.invalid')

const paths: readonly [RegExp, (part: string) => boolean][] = [
  [/^\/containers\/([^/]+)(?:\/(?:json|top|logs|changes|export|stats|resize|start|stop|restart|kill|pause|unpause|wait|rename|update|attach|archive|exec))?$/, isOwnId],
  [/^\/networks\/([^/]+)(?:\/(?:connect|disconnect))?$/, isOwnId],
  [/^\/volumes\/([^/]+)$/, isStoredName],
  [/^\/exec\/([^/]+)\/(?:json|start|resize)$/, (id) => id === mine.exec],
  [/^\/images\/(.+?)\/(?:json|history|tag|get|push)$/, (name) => isOwnImage(name) || isRegistryReference(name)],
  [/^\/images\/([^/]+(?:\/.+)?)$/, (name) => isOwnImage(name) || isRegistryReference(name)],
  [/^\/distribution\/(.+)\/json$/, isRegistryReference],
]
const fixed = new Set(['/containers/json', '/containers/create', '/networks', '/networks/create', '/volumes', '/volumes/create', '/images/json', '/images/create', '/images/load', '/images/search', '/images/get', '/auth', '/commit', '/system/df', '/session'])

/** Throws an AssertionError for a request that is not wholly the namespace's own. */
export function assertOwn(request: EngineRequest): void {
  const { path, query = {}, body, method, headers = {} } = request
  const [form, owns] = fixed.has(path) ? [undefined, undefined] : paths.find(([pattern]) => pattern.test(path)) ?? assert.fail(`no path of a plan: ${method} ${path}`)
  if (form && owns) assert.ok(owns(form.exec(path)![1]!), `not the namespace's: ${method} ${path}`)
  for (const [key, value] of Object.entries(query)) for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) assertQuery(path, key, String(one))
  for (const id of ['uuid', 'sharedkey'].flatMap((name) => headers[`x-docker-expose-session-${name}`] ?? [])) assert.ok(id === '' || id.includes(own), `not the namespace's session: ${id}`)
  if (body !== undefined) assertBody(path, body as any)
}

function assertQuery(path: string, key: string, value: string): void {
  const said = `${path}?${key}=${value}`
  if (key === 'filters' && path !== '/images/search') {
    for (const [filter, values] of Object.entries<string[]>(JSON.parse(value))) {
      assert.ok(['id', 'name', 'reference'].includes(filter) && values.length > 0, said)
      assert.ok(values.every((one) => isOwnId(one) || one.includes(own)), said)
    }
  }
  if (key === 'name' && path !== '/images/search') assert.ok(isStoredName(value), said)
  if (key === 'repo') assert.ok(value.startsWith(`moorage.invalid/${own}/`) || isRegistryReference(value), said)
  if (key === 'names') assert.ok(isOwnImage(value), said)
  if (key === 'container') assert.ok(isOwnId(value), said)
  if (key === 'fromSrc') assert.equal(value, '-', said)
  assert.ok(!['checkpoint', 'checkpoint-dir', 'link', 'remote', 'networkmode', 'cgroupparent'].includes(key), said)
}

const kinds: Record<string, keyof typeof fields.bodies> = {
  '/containers/create': 'container-create', '/networks/create': 'network-create', '/volumes/create': 'volume-create', '/commit': 'commit', '/auth': 'auth',
  exec: 'exec-create', start: 'exec-start', update: 'container-update', connect: 'network-connect', disconnect: 'network-disconnect',
}

function assertBody(path: string, body: any): void {
  const kind = kinds[path] ?? kinds[path.split('/').at(-1)!] ?? assert.fail(`a body where there is none: ${path}`)
  assertClassified(kind, body)
  const said = `${path} ${stringify(body)}`
  if (kind === 'container-create') assertCreate(body, said)
  if (kind === 'network-create') {
    assert.ok(hasStoredForm(body.Name) && !/\p{Cc}|moorage\.invalid\//u.test(body.Name) && ['', 'bridge', undefined].includes(body.Driver) && [body.ConfigFrom, body.ConfigOnly, body.Ingress].every(isZero), said)
    assert.ok(Object.keys(body.Options ?? {}).every((name) => /mtu|enable_icc|enable_ip_masquerade/.test(name)), said)
  }
  if (kind === 'volume-create') assert.ok(isStoredName(body.Name) && ['', 'local', undefined].includes(body.Driver) && Object.keys(body.DriverOpts ?? {}).length === 0 && isZero(body.ClusterVolumeSpec), said)
  if (kind === 'exec-create') assert.ok(!body.Privileged, said)
  if (kind === 'network-connect' || kind === 'network-disconnect') assert.ok(isOwnId(body.Container), said)
}

/** Every key that is sent is one the engine's API has, spelled as there. */
function assertClassified(kind: keyof typeof fields.bodies, body: unknown): void {
  const known = fields.bodies[kind].map(({ path }) => path.replaceAll('[]', '').replaceAll('{}', '.*'))
  const walk = (value: unknown, at: string): void => {
    if (Array.isArray(value)) return value.forEach((item) => walk(item, at))
    if (typeof value !== 'object' || value === null) return
    // Below a map's key, or a field without fields of its own, is free text.
    if (at !== '' && !known.some((path) => path.startsWith(`${at}.`))) return
    for (const [key, item] of Object.entries(value)) {
      const isMap = at !== '' && known.some((path) => path.startsWith(`${at}.*`))
      const below = isMap ? `${at}.*` : at === '' ? key : `${at}.${key}`
      if (!isMap) assert.ok(known.includes(below) || known.some((path) => path.startsWith(`${below}.`)), `${below} is no field of ${kind}`)
      walk(item, below)
    }
  }
  walk(body, '')
}

const forced = ['Privileged', 'Devices', 'DeviceCgroupRules', 'DeviceRequests', 'VolumeDriver', 'UTSMode', 'UsernsMode', 'Cgroup', 'Annotations', 'MaskedPaths', 'ReadonlyPaths', 'CpusetCpus', 'CpusetMems',
  'CpuRealtimePeriod', 'CpuRealtimeRuntime', 'BlkioWeight', 'BlkioWeightDevice', 'BlkioDeviceReadBps', 'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps', 'OomKillDisable', 'Links', 'StorageOpt', 'Runtime', 'PublishAllPorts']
const capabilities = 'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' ')
const isZero = (value: any) => value === undefined || value === null || value === false || value === 0 || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)

function assertCreate(body: any, said: string): void {
  const { HostConfig: host = {}, NetworkingConfig: networking = {} } = body
  assert.ok(isOwnImage(body.Image), said)
  assert.equal(body.Labels['io.moorage.namespace'], own, said)
  for (const field of forced) assert.ok(isZero(host[field]), `${field}: ${said}`)
  // Empty lists of these unmask everything.
  for (const field of ['MaskedPaths', 'ReadonlyPaths']) assert.equal(host[field] ?? undefined, undefined, `${field}: ${said}`)
  for (const mode of [host.PidMode, host.IpcMode]) assert.ok(isZero(mode) || ['private', 'shareable', 'none'].includes(mode) || isOwnId(mode.replace(/^container:/, '')), said)
  assert.ok(host.NetworkMode === 'none' || hasStoredForm(host.NetworkMode) || isOwnId(host.NetworkMode.replace(/^container:/, '')) || hasStoredForm(host.NetworkMode.replace(/^container:/, '')), said)
  assert.ok(!host.NetworkMode.startsWith('container:') || /^container:(ownabcdefghijklm\.|[0-9a-f]{64}$)/.test(host.NetworkMode), said)
  for (const name of Object.keys(networking.EndpointsConfig ?? {})) assert.ok(hasStoredForm(name), said)
  for (const { Links = [], DriverOpts } of Object.values<any>(networking.EndpointsConfig ?? {})) assert.ok(isZero(DriverOpts) && (Links ?? []).every(hasStoredForm), said)
  for (const bind of host.Binds ?? []) assert.ok(bind.includes(':') ? isStoredName(bind.split(':', 1)[0]) : bind.startsWith('/'), said)
  for (const source of host.VolumesFrom ?? []) assert.ok(isOwnId(source.split(':', 1)[0]), said)
  for (const { Type, Source, VolumeOptions } of host.Mounts ?? []) {
    assert.ok(['volume', 'tmpfs', 'image'].includes(Type), said)
    assert.ok(Type === 'image' ? isOwnImage(Source) : Type === 'volume' ? isZero(Source) || isStoredName(Source) : isZero(Source), said)
    assert.ok(isZero(VolumeOptions?.DriverConfig?.Options), said)
  }
  for (const bindings of Object.values<any>(host.PortBindings ?? {})) assert.ok((bindings ?? []).every((one: any) => one.HostIp === '127.0.0.1' && one.HostPort === ''), said)
  assert.ok((host.CapAdd ?? []).every((name: string) => capabilities.includes(name.trim().toUpperCase().replace(/^CAP_/, ''))), said)
  assert.ok((host.SecurityOpt ?? []).every((option: string) => /^no-new-privileges([=:]true)?$/.test(option)), said)
  assert.ok(Object.keys(host.Sysctls ?? {}).every((name) => /^(net\.|kernel\.(shm|msg|sem)|fs\.mqueue\.)[\w.-]+$/.test(`${name}`) && !name.includes('/')), said)
  assert.ok(['', 'json-file', 'local', 'none', undefined].includes(host.LogConfig?.Type), said)
}
