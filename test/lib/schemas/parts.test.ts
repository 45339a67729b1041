import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defaultPolicy, type Policy } from '../../../lib/policy.ts'
import { parseExtraHost, parseLink } from '../../../lib/schemas/addresses.ts'
import { parseRegistryAuth, parseRegistryConfig, registryHeader } from '../../../lib/schemas/auth.ts'
import { parseBind, parseVolumesFrom } from '../../../lib/schemas/binds.ts'
import { containerCreateSchema } from '../../../lib/schemas/container-create.ts'
import { forcedResources, forcedUpdate } from '../../../lib/schemas/defaults.ts'
import { execCreate } from '../../../lib/schemas/exec-create.ts'
import { parseIpcMode, parseNetworkMode, parsePidMode } from '../../../lib/schemas/modes.ts'
import { checkContainerName, checkNetworkName, checkVolumeName } from '../../../lib/schemas/names.ts'
import { networkCreateSchema } from '../../../lib/schemas/network-create.ts'
import { parseSubnet } from '../../../lib/schemas/subnets.ts'
import { volumeCreate } from '../../../lib/schemas/volume-create.ts'
import { readBody, refusalOf } from './refusal-of.ts'

const GiB = 1024 ** 3
const create = containerCreateSchema(defaultPolicy)
const host = (field: string, value: unknown) => readBody(create, { Image: 'i', HostConfig: { [field]: value } })

test('binds are read as the engine reads them, without the words that mean nothing here', () => {
  const binds: Array<[string, object]> = [
    ['/data', { kind: 'anonymous', target: '/data' }],
    ['vol:/data', { kind: 'volume', name: 'vol', target: '/data', mode: '' }],
    ['vol:/data:rw', { kind: 'volume', name: 'vol', target: '/data', mode: 'rw' }],
    ['vol:/data:ro,Z', { kind: 'volume', name: 'vol', target: '/data', mode: 'ro' }],
    ['vol:/data:z,nocopy,cached', { kind: 'volume', name: 'vol', target: '/data', mode: 'nocopy' }],
    ['/var/run/docker.sock:/s:ro', { kind: 'socket', source: '/var/run/docker.sock', target: '/s' }],
    ['//tmp/./a.sock:/s', { kind: 'socket', source: '//tmp/./a.sock', target: '/s' }],
  ]
  for (const [bind, read] of binds) assert.deepEqual(parseBind(bind), read)
})

test('binds the engine would refuse get its own 400', () => {
  const binds: Array<[string, string]> = [
    ['', "invalid volume specification: ''"],
    ['/data:rw', "invalid volume specification: '/data:rw'"],
    ['a:/b:ro:x', "invalid volume specification: 'a:/b:ro:x'"],
    ['vol:/data:rw,ro', 'invalid mode: rw,ro'],
    ['vol:/data:constructor', 'invalid mode: constructor'],
    ['vol:data', "invalid volume specification: 'vol:data': invalid mount config for type \"volume\": invalid mount path: 'data' mount path must be absolute"],
    ['vol:/x/..', "invalid volume specification: 'vol:/x/..': invalid mount config for type \"volume\": invalid specification: destination can't be '/'"],
    ['v:/data', 'create v: volume name is too short, names should be at least two alphanumeric characters'],
    ['./src:/src', 'create ./src: "./src" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'],
  ]
  for (const [bind, message] of binds) assert.deepEqual([refusalOf(() => parseBind(bind)).status, refusalOf(() => parseBind(bind)).message], [400, message])
})

test('no text is a bind of a host path', () => {
  fc.assert(fc.property(fc.stringMatching(/^[/a.:~\\rozn,-]{0,12}$/), (bind) => {
    let read
    try {
      read = parseBind(bind)
    } catch {
      return
    }
    if (read.kind === 'volume') assert.match(read.name, /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/)
    else assert.equal(bind.includes(':'), false)
  }), { numRuns: 500 })
})

test('VolumesFrom, links and extra hosts are read as the engine reads them', () => {
  assert.deepEqual([parseVolumesFrom('db'), parseVolumesFrom('db:ro,z')], [{ ref: 'db', mode: 'rw' }, { ref: 'db', mode: 'ro' }])
  assert.equal(refusalOf(() => parseVolumesFrom('db:nocopy')).message, 'invalid mode: nocopy')
  assert.deepEqual([parseLink('db'), parseLink('db:alias'), parseLink('/db:/web/alias')], [{ ref: 'db', alias: 'db' }, { ref: 'db', alias: 'alias' }, { ref: 'db', alias: 'alias' }])
  assert.equal(refusalOf(() => parseLink('a:b:c')).message, 'bad format for links: a:b:c')
  assert.deepEqual(parseExtraHost('h:host-gateway'), { host: 'h', ip: 'host-gateway', gateway: true })
  assert.deepEqual(parseExtraHost('h:::1'), { host: 'h', ip: '::1', gateway: false })
  assert.equal(refusalOf(() => parseExtraHost('h:x')).message, 'invalid IP address in add-host: "x"')
})

test('modes are read into what they refer to', () => {
  for (const mode of ['', 'default', 'bridge']) assert.deepEqual(parseNetworkMode(mode), { kind: 'default' })
  assert.deepEqual([parseNetworkMode('none'), parseNetworkMode('Host'), parseNetworkMode('container:c')],
    [{ kind: 'none' }, { kind: 'network', name: 'Host' }, { kind: 'container', ref: 'c' }])
  for (const mode of ['container', 'container:']) assert.equal(refusalOf(() => parseNetworkMode(mode)).message, 'invalid network mode: invalid container format container:<name|id>')
  assert.deepEqual([parsePidMode('container:c'), parseIpcMode('shareable')], [{ kind: 'container', ref: 'c' }, { kind: 'own', mode: 'shareable' }])
  assert.deepEqual([refusalOf(() => parsePidMode('x')).message, refusalOf(() => parseIpcMode('container:')).message], ['invalid PID mode: x', 'invalid IPC mode: container:'])
})

test('mounts the engine would refuse get its own 400', () => {
  const mounts: Array<[object, string]> = [
    [{ Type: 'npipe', Target: '/x' }, 'invalid mount config for type "npipe": mount type unknown'],
    [{ Type: 'Volume', Target: '/x' }, 'invalid mount config for type "Volume": mount type unknown'],
    [{ Target: '/x' }, 'invalid mount config for type "": mount type unknown'],
    [{ Type: 'volume' }, 'invalid mount config for type "volume": field Target must not be empty'],
    [{ Type: 'volume', Target: '/' }, "invalid mount config for type \"volume\": invalid specification: destination can't be '/'"],
    [{ Type: 'volume', Target: '/x', TmpfsOptions: {} }, 'invalid mount config for type "volume": field TmpfsOptions must not be specified'],
    [{ Type: 'volume', Target: '/x', BindOptions: { Propagation: 'shared' } }, 'invalid mount config for type "volume": field BindOptions must not be specified'],
    [{ Type: 'volume', Source: 'vol', Target: '/x', VolumeOptions: { Subpath: '../x' } }, 'invalid mount config for type "volume": subpath must be a relative path within the volume'],
    [{ Type: 'tmpfs', Source: 'x', Target: '/x' }, 'invalid mount config for type "tmpfs": field Source must not be specified'],
    [{ Type: 'image', Target: '/x' }, 'invalid mount config for type "image": field Source must not be empty'],
  ]
  for (const [mount, message] of mounts) {
    const refusal = refusalOf(() => host('Mounts', [mount]))
    assert.deepEqual([refusal.status, refusal.message], [400, message])
  }
})

test('other values the engine would refuse get its own 400', () => {
  const bodies: Array<[() => unknown, string]> = [
    [() => readBody(create, {}), 'config cannot be empty in order to create a container'],
    [() => readBody(create, 'null'), 'config cannot be empty in order to create a container'],
    [() => readBody(create, { HostConfig: {}, name: 'x' }), 'config cannot be empty in order to create a container'],
    [() => readBody(execCreate, { Cmd: [] }), 'No exec command specified'],
    [() => host('CapAdd', ['NO_SUCH']), 'invalid CapAdd: unknown capability: "CAP_NO_SUCH"'],
    [() => host('RestartPolicy', { Name: 'often' }), "invalid restart policy: unknown policy 'often'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"],
    [() => host('RestartPolicy', { Name: 'always', MaximumRetryCount: 1 }), "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
    [() => host('PortBindings', { '80/http': [] }), 'invalid port specification: "80/http"'],
    [() => host('OomScoreAdj', 1001), 'Invalid value 1001, range for oom score adj is [-1000, 1000]'],
    [() => readBody(create, { Healthcheck: { Interval: 1000 } }), 'Interval in Healthcheck cannot be less than 1ms'],
    [() => readBody(create, { Env: ['=x'] }), 'invalid environment variable: =x'],
  ]
  for (const [run, message] of bodies) assert.deepEqual([refusalOf(run).status, refusalOf(run).message], [400, message])
})

test('checks of health are at least 500 ms apart, and 0 stays the engine\'s default', () => {
  assert.deepEqual(readBody(create, { Healthcheck: { Test: ['CMD', 'true'], Interval: 1e6, StartInterval: 0, Timeout: 2e6 } }).Healthcheck,
    { Test: ['CMD', 'true'], Interval: 5e8, StartInterval: 0, Timeout: 2e6 })
})

test('job names are checked before a namespace is put in front of them', () => {
  assert.deepEqual([checkContainerName('/db'), checkNetworkName('n'), checkVolumeName('data')], ['db', 'n', 'data'])
  assert.equal(refusalOf(() => checkContainerName('a')).message, 'Invalid container name (a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed')
  assert.equal(refusalOf(() => checkContainerName('a', 'rename')).message, 'Error when allocating new name: Invalid container name (/a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed')
  for (const name of ['-x', 'a b', 'a/b', '//x', 'é1', 'x\n', 'y'.repeat(239)]) {
    for (const check of [checkContainerName, checkVolumeName]) assert.equal(refusalOf(() => check(name)).status, 400, name)
  }
  for (const name of ['-x', 'a b', 'a/b', 'é1']) assert.equal(checkNetworkName(name), name)
  for (const name of ['x\n', ' ', '\u0085', 'y'.repeat(239)]) assert.equal(refusalOf(() => checkNetworkName(name)).status, 400, name)
  assert.equal(checkVolumeName('y'.repeat(238)).length, 238)
  assert.deepEqual([refusalOf(() => checkNetworkName('container:x')).status, refusalOf(() => checkNetworkName('')).message], [400, 'invalid name: name is empty'])
  assert.equal(refusalOf(() => readBody(volumeCreate, { Name: 'a' })).message, 'create a: volume name is too short, names should be at least two alphanumeric characters')
  assert.deepEqual(readBody(volumeCreate, {}), {})
})

test('subnets are private, and what is in them is inside', () => {
  const schema = networkCreateSchema()
  const pool = { Subnet: '172.28.0.0/16', IPRange: '172.28.5.0/24', Gateway: '172.28.0.1', AuxiliaryAddresses: { host: '172.28.1.5' } }
  assert.deepEqual(readBody(schema, { Name: 'n', IPAM: { Config: [pool] } }).IPAM?.Config, [pool])
  assert.equal(readBody(schema, { Name: 'n', EnableIPv6: true, IPAM: { Config: [{ Subnet: 'fd00:1::/64', Gateway: 'fd00:1::1' }] } }).EnableIPv6, true)
  for (const one of [{ Gateway: '10.1.0.1' }, { ...pool, Gateway: '10.1.0.1' }, { ...pool, IPRange: '172.28.0.0/15' }, { Subnet: '10.1/16' }, { Subnet: '10.1.0.0/33' }]) {
    assert.equal(refusalOf(() => readBody(schema, { Name: 'n', IPAM: { Config: [one] } })).status, 400, JSON.stringify(one))
  }
  assert.deepEqual(parseSubnet('10.1.2.3/8'), { bits: 32, first: 10n << 24n, last: (11n << 24n) - 1n })
})

test('what a job leaves unset gets the limits of its policy', () => {
  const policy: Policy = { ...defaultPolicy, limits: { ...defaultPolicy.limits, memory: GiB, cpus: 1.5, pids: 100, shm: 1024 } }
  const bounded = { Type: 'json-file', Config: { 'max-size': '100m', 'max-file': '2' } }
  assert.deepEqual(forcedResources({}, policy), { Memory: GiB, MemorySwap: 0, NanoCpus: 1.5e9, CpuQuota: 0, PidsLimit: 100, Ulimits: [], LogConfig: bounded })
  assert.deepEqual(forcedResources({}, defaultPolicy), { PidsLimit: 4096, Ulimits: [], LogConfig: bounded })
  const asked = forcedResources({
    Memory: 5e8, MemorySwap: -1, CpuPeriod: 50_000, PidsLimit: -1, Ulimits: [{ Name: 'memlock', Hard: -1, Soft: -1 }], LogConfig: { Type: 'local', Config: { 'max-size': '-1' } },
    Tmpfs: { '/a': '', '/b': 'size=10,ro' }, Mounts: [{ Type: 'tmpfs', Target: '/t' }, { Type: 'volume', Target: '/v' }],
  }, policy)
  assert.deepEqual(asked, {
    Memory: 5e8, MemorySwap: 0, CpuPeriod: 50_000, CpuQuota: 75_000, PidsLimit: 100, Ulimits: [{ Name: 'memlock', Hard: GiB, Soft: GiB }],
    LogConfig: { Type: 'local', Config: { 'max-size': '100m', 'max-file': '2' } }, Tmpfs: { '/a': 'size=1024', '/b': 'size=10,ro' },
    Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1024 } }, { Type: 'volume', Target: '/v' }],
  })
  assert.deepEqual(forcedUpdate({ PidsLimit: 0, Memory: 0, CpuQuota: -1 }, policy), { PidsLimit: 100, Memory: 0, CpuQuota: 150_000 })
})

test('registry credentials are rebuilt from their known fields, and malformed ones are none', () => {
  const header = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const auth = { username: 'ü?>', password: 'p', serveraddress: 'r.example' }
  assert.deepEqual(parseRegistryAuth(header({ ...auth, email: 'e@x', extra: { a: 1 } })), auth)
  assert.deepEqual(parseRegistryAuth(registryHeader(auth)), auth)
  assert.deepEqual(parseRegistryConfig(header({ 'r.example': auth })), { 'r.example': auth })
  for (const malformed of ['', '%%%', header('x'), header({ username: 1 }), Buffer.from('{').toString('base64')]) assert.equal(parseRegistryAuth(malformed), undefined)
})
