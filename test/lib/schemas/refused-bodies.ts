import { defaultPolicy, type Policy } from '../../../lib/policy.ts'
import type { Field, Type } from '../../../lib/schema.ts'
import { containerCreateSchema } from '../../../lib/schemas/container-create.ts'
import { containerUpdateSchema } from '../../../lib/schemas/container-update.ts'
import { execCreate } from '../../../lib/schemas/exec-create.ts'
import { networkConnect } from '../../../lib/schemas/network-connect.ts'
import { networkCreateSchema } from '../../../lib/schemas/network-create.ts'
import { volumeCreate } from '../../../lib/schemas/volume-create.ts'

const GiB = 1024 ** 3
export const policy: Policy = { ...defaultPolicy, limits: { ...defaultPolicy.limits, memory: GiB, cpus: 2, ports: 3 } }

export const schemas = {
  create: containerCreateSchema(policy),
  update: containerUpdateSchema(policy),
  exec: execCreate,
  connect: networkConnect,
  network: networkCreateSchema(['10.99.0.0/16']),
  volume: volumeCreate,
}

/** What each body needs to be read at all. */
export const needed: Record<keyof typeof schemas, object> = {
  create: { Image: 'busybox' }, update: {}, exec: { Cmd: ['true'] }, connect: { Container: 'c' }, network: { Name: 'n' }, volume: { Name: 'data' },
}

const samples: Record<string, unknown> = { bool: true, string: 'host', int64: 1, uint16: 1, '[]string': [], 'interface {}': { x: 'y' } }

/** Every field with the verdict force, as its path and a body that sets it. */
export function* forced(type: Type<any>, wrap: (value: unknown) => unknown, path: string): Generator<{ path: string; body: unknown }> {
  if (type.entries === undefined) {
    if (type.item === undefined) return
    const isMap = type.go.startsWith('map')
    return yield* forced(type.item, (value) => wrap(isMap ? { one: value } : [value]), path)
  }
  for (const [name, field] of Object.entries(type.entries as Record<string, Field<unknown>>)) {
    const at = path === '' ? name : `${path}.${name}`
    const siblings = path.endsWith('Mounts') ? { Type: 'volume', Target: '/x' } : {}
    const inside = (value: unknown) => wrap({ ...siblings, [name]: value })
    if (field.verdict === 'force') yield { path: at, body: inside(samples[field.type.go]) }
    else if (field.verdict !== 'drop') yield* forced(field.type, inside, at)
  }
}

/** Mount options of another type of mount are the engine's own 400, not ours. */
export const engineRefuses = ['HostConfig.Mounts.BindOptions', 'HostConfig.Mounts.ClusterOptions']

const hostConfig = (field: string, value: unknown) => ({ HostConfig: { [field]: value } })
const mount = (mount: object) => hostConfig('Mounts', [{ Target: '/x', ...mount }])

/** Values that a list or a limit refuses: body, field, a word of the reason. */
export const refused: Array<[keyof typeof schemas, object, string, RegExp]> = [
  ['create', hostConfig('Binds', ['/etc:/host']), 'HostConfig.Binds', /path on the engine's host.*named volume/],
  ['create', hostConfig('Binds', ['/:/host:ro']), 'HostConfig.Binds', /path on the engine's host/],
  ['create', hostConfig('Binds', ['/run/docker.sock/..:/s']), 'HostConfig.Binds', /path on the engine's host/],
  ['create', hostConfig('Binds', ['/run/docker.sock:/s:rshared']), 'HostConfig.Binds', /propagation/],
  ['create', hostConfig('Binds', ['data:/x:rshared']), 'HostConfig.Binds', /propagation/],
  ['create', mount({ Type: 'bind', Source: '/etc', BindOptions: { Propagation: 'rshared' } }), 'HostConfig.Mounts', /path on the engine's host/],
  ['create', mount({ BindOptions: {}, Source: '/run/docker.sock/../x', Type: 'bind' }), 'HostConfig.Mounts', /path on the engine's host/],
  ['create', mount({ Type: 'volume', VolumeOptions: { DriverConfig: { Name: 'nfs' } } }), 'HostConfig.Mounts.VolumeOptions.DriverConfig.Name', /driver/],
  ['create', mount({ Type: 'tmpfs', TmpfsOptions: { SizeBytes: 2 * GiB } }), 'HostConfig.Mounts.TmpfsOptions.SizeBytes', /limits\.shm/],
  ['create', mount({ Type: 'tmpfs', TmpfsOptions: { Options: [['uid', '0']] } }), 'HostConfig.Mounts.TmpfsOptions.Options', /list/],
  ['create', hostConfig('Tmpfs', { '/t': 'size=2g' }), 'HostConfig.Tmpfs', /limits\.shm/],
  ['create', hostConfig('Tmpfs', { '/t': 'dev,suid' }), 'HostConfig.Tmpfs', /dev/],
  ['create', hostConfig('ShmSize', 2 * GiB), 'HostConfig.ShmSize', /limits\.shm/],
  ['create', hostConfig('NetworkMode', 'host'), 'HostConfig.NetworkMode', /network of the engine's host/],
  ['create', hostConfig('PidMode', 'host'), 'HostConfig.PidMode', /process/],
  ['create', hostConfig('IpcMode', 'host'), 'HostConfig.IpcMode', /memory/],
  ['create', hostConfig('CgroupnsMode', 'host'), 'HostConfig.CgroupnsMode', /control groups/],
  ['create', hostConfig('CapAdd', ['ALL']), 'HostConfig.CapAdd', /ALL/],
  ['create', hostConfig('CapAdd', ['chown', 'cap_sys_admin']), 'HostConfig.CapAdd', /SYS_ADMIN.*policy/],
  ['create', hostConfig('CapAdd', ['NET_ADMIN']), 'HostConfig.CapAdd', /NET_ADMIN/],
  ['create', hostConfig('SecurityOpt', ['seccomp=unconfined']), 'HostConfig.SecurityOpt', /seccomp/],
  ['create', hostConfig('SecurityOpt', ['no-new-privileges', 'apparmor:unconfined']), 'HostConfig.SecurityOpt', /apparmor/],
  ['create', hostConfig('SecurityOpt', ['no-new-privileges=false']), 'HostConfig.SecurityOpt', /false/],
  ['create', hostConfig('Sysctls', { 'kernel.core_pattern': '|/x' }), 'HostConfig.Sysctls', /core_pattern/],
  ['create', hostConfig('Sysctls', { 'net./../kernel.core_pattern': '|/x' }), 'HostConfig.Sysctls', /core_pattern/],
  ['create', hostConfig('Runtime', 'sysbox'), 'HostConfig.Runtime', /runtime/],
  ['create', hostConfig('OomScoreAdj', -1), 'HostConfig.OomScoreAdj', /below 0/],
  ['create', hostConfig('Ulimits', [{ Name: 'rtprio', Hard: 1, Soft: 1 }]), 'HostConfig.Ulimits.Name', /rtprio/],
  ['create', hostConfig('Ulimits', [{ Name: 'nofile', Hard: 2 ** 30, Soft: 1 }]), 'HostConfig.Ulimits', /nofile/],
  ['create', hostConfig('LogConfig', { Type: 'json-file', Config: { 'max-size': '100m', 'max-file': '11' } }), 'HostConfig.LogConfig.Config', /max-size times max-file/],
  ['create', hostConfig('MaskedPaths', ['/proc/acpi']), 'HostConfig.MaskedPaths', /unco/],
  ['create', hostConfig('ReadonlyPaths', []), 'HostConfig.ReadonlyPaths', /unco/],
  ['create', hostConfig('LogConfig', { Type: 'syslog' }), 'HostConfig.LogConfig.Type', /syslog/],
  ...['{{.Hostname}}', '{{.LogPath}}', '{{printf "%999999d" 1}}', '{{$x := "a"}}', '{{ .ID', '}}', '{{.ID}}{{end}}', 'x'.repeat(1025)].map((tag): [keyof typeof schemas, object, string, RegExp] =>
    ['create', hostConfig('LogConfig', { Type: 'json-file', Config: { tag } }), 'HostConfig.LogConfig.Config', /the tag ".*" is a template/]),
  ['create', hostConfig('LogConfig', { Type: 'json-file', Config: { 'gelf-address': 'x' } }), 'HostConfig.LogConfig.Config', /gelf-address/],
  ['create', hostConfig('LogConfig', { Type: 'local', Config: { 'max-size': '1t' } }), 'HostConfig.LogConfig.Config', /max-size/],
  ['create', hostConfig('Memory', 2 * GiB), 'HostConfig.Memory', /1 GiB.*limits\.memory/],
  ['create', '{"Image":"i","HostConfig":{"Memory":9223372036854775807}}' as never, 'HostConfig.Memory', /limits\.memory/],
  ['create', hostConfig('MemorySwap', 4 * GiB), 'HostConfig.MemorySwap', /limits\.memory/],
  ['create', hostConfig('NanoCpus', 3e9), 'HostConfig.NanoCpus', /limits\.cpus/],
  ['create', { HostConfig: { CpuPeriod: 50_000, CpuQuota: 200_000 } }, 'HostConfig.CpuQuota', /limits\.cpus/],
  ['create', hostConfig('CpuShares', 4096), 'HostConfig.CpuShares', /1024/],
  ['create', hostConfig('PidsLimit', 100_000), 'HostConfig.PidsLimit', /limits\.pids/],
  ['create', hostConfig('PortBindings', { '80/tcp': [{}, {}], '81/tcp': null, '82/udp': [] }), 'HostConfig.PortBindings', /limits\.ports/],
  ['create', { ExposedPorts: { 1: {}, 2: {}, 3: {}, 4: {} } }, 'ExposedPorts', /limits\.ports/],
  ['create', { Labels: { 'io.moorage.namespace': 'other' } }, 'Labels', /gateway's own/],
  ['update', { Memory: 2 * GiB }, 'Memory', /limits\.memory/],
  ['update', { CpuQuota: 300_000 }, 'CpuQuota', /limits\.cpus/],
  ['network', { Name: 'host' }, 'Name', /^operation is not permitted on predefined host network $/],
  ['network', { Driver: 'macvlan' }, 'Driver', /macvlan/],
  ['network', { Options: { 'com.docker.network.bridge.name': 'eth0' } }, 'Options', /bridge\.name/],
  ['network', { Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' } }, 'Options', /masquerade/],
  ['network', { Options: { 'com.docker.network.driver.mtu': '66000' } }, 'Options', /mtu/],
  ['network', { IPAM: { Driver: 'dhcp' } }, 'IPAM.Driver', /drivers/],
  ['network', { IPAM: { Config: [{ Subnet: '169.254.169.0/24' }] } }, 'IPAM.Config.Subnet', /not a private network/],
  ['network', { IPAM: { Config: [{ Subnet: '8.8.8.0/24' }] } }, 'IPAM.Config.Subnet', /not a private network/],
  ['network', { IPAM: { Config: [{ Subnet: '10.99.3.0/24' }] } }, 'IPAM.Config.Subnet', /operator/],
  ['network', { IPAM: { Config: [{ Subnet: '10.0.0.0/8' }] } }, 'IPAM.Config.Subnet', /operator|addresses/],
  ['network', { IPAM: { Config: [{ Subnet: 'fe80::/64' }] } }, 'IPAM.Config.Subnet', /not a private network/],
  ['volume', { Driver: 'nfs' }, 'Driver', /drivers/],
]

