import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultPolicy } from '../../../lib/policy.ts'
import { containerCreateSchema } from '../../../lib/schemas/container-create.ts'
import { containerUpdateSchema } from '../../../lib/schemas/container-update.ts'
import { execCreate } from '../../../lib/schemas/exec-create.ts'
import { execStart } from '../../../lib/schemas/exec-start.ts'
import { networkConnect } from '../../../lib/schemas/network-connect.ts'
import { networkCreateSchema } from '../../../lib/schemas/network-create.ts'
import { volumeCreate } from '../../../lib/schemas/volume-create.ts'
import { readBody } from './refusal-of.ts'

const create = containerCreateSchema(defaultPolicy)

const endpoint = {
  IPAMConfig: null, Links: null, Aliases: null, MacAddress: '', DriverOpts: null, GwPriority: 0, NetworkID: '', EndpointID: '', Gateway: '',
  IPAddress: '', IPPrefixLen: 0, IPv6Gateway: '', GlobalIPv6Address: '', GlobalIPv6PrefixLen: 0, DNSNames: null,
}

const resources = {
  CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: '', BlkioWeight: 0, BlkioWeightDevice: [], BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [], BlkioDeviceWriteIOps: [], CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, CpusetCpus: '',
  CpusetMems: '', Devices: [], DeviceCgroupRules: null, DeviceRequests: null, MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: -1,
  OomKillDisable: false, PidsLimit: 0, Ulimits: [], CpuCount: 0, CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0,
}

/** What `docker run` sends when nothing is asked for. */
const dockerRun = {
  Hostname: '', Domainname: '', User: '', AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, OpenStdin: false, StdinOnce: false,
  Env: null, Cmd: ['true'], Image: 'busybox', Volumes: {}, WorkingDir: '', Entrypoint: null, OnBuild: null, Labels: {},
  HostConfig: {
    Binds: null, ContainerIDFile: '', LogConfig: { Type: '', Config: {} }, NetworkMode: 'default', PortBindings: {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, AutoRemove: false, VolumeDriver: '', VolumesFrom: null, ConsoleSize: [0, 0],
    CapAdd: null, CapDrop: null, CgroupnsMode: '', Dns: [], DnsOptions: [], DnsSearch: [], ExtraHosts: null, GroupAdd: null, IpcMode: '', Cgroup: '',
    Links: null, OomScoreAdj: 0, PidMode: '', Privileged: false, PublishAllPorts: false, ReadonlyRootfs: false, SecurityOpt: null, UTSMode: '',
    UsernsMode: '', ShmSize: 0, Isolation: '', ...resources, MaskedPaths: null, ReadonlyPaths: null,
  },
  NetworkingConfig: { EndpointsConfig: { default: endpoint } },
}

/** What compose sends for a service with a volume, a port and a name. */
const compose = {
  ...dockerRun,
  ExposedPorts: { '80/tcp': {} },
  Volumes: null,
  Labels: { 'com.docker.compose.project': 'proj', 'com.docker.compose.project.working_dir': '/home/me/proj' },
  HostConfig: {
    ...dockerRun.HostConfig, Binds: ['proj_data:/data:rw'], LogConfig: { Type: '', Config: null }, NetworkMode: 'proj_default',
    PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, RestartPolicy: { Name: '', MaximumRetryCount: 0 }, Dns: null, DnsOptions: null,
    DnsSearch: null, ExtraHosts: [], MemorySwappiness: null, PidsLimit: null,
  },
  NetworkingConfig: { EndpointsConfig: { proj_default: { ...endpoint, Aliases: ['proj-db-1', 'db'] } } },
}

test('what docker run sends by default is accepted, and null and unset fields are absent from what is sent on', () => {
  const { HostConfig: host, NetworkingConfig: networking, ...config } = readBody(create, dockerRun)
  assert.deepEqual(config, {
    Hostname: '', Domainname: '', User: '', AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, OpenStdin: false, StdinOnce: false,
    Cmd: ['true'], Image: 'busybox', Volumes: {}, WorkingDir: '', Labels: {},
  })
  assert.equal(host?.MemorySwappiness, -1)
  assert.deepEqual(host?.ConsoleSize, [0, 0])
  assert.equal(host && 'Privileged' in host, false)
  assert.deepEqual(networking, { EndpointsConfig: { default: { MacAddress: '', GwPriority: 0 } } })
})

test('what compose sends is accepted and keeps its wishes', () => {
  const read = readBody(create, compose)
  assert.deepEqual(read.HostConfig?.Binds, ['proj_data:/data:rw'])
  assert.deepEqual(read.HostConfig?.PortBindings, compose.HostConfig.PortBindings)
  assert.deepEqual(read.NetworkingConfig?.EndpointsConfig?.['proj_default']?.Aliases, ['proj-db-1', 'db'])
  assert.deepEqual(read.Labels, compose.Labels)
})

test('docker-py, dockerode and docker-java are accepted with what they put into bodies beside the fields', () => {
  const dockerPy = {
    Hostname: null, Domainname: null, ExposedPorts: null, User: null, Tty: false, OpenStdin: false, StdinOnce: false, AttachStdin: false, AttachStdout: true,
    AttachStderr: true, Env: null, Cmd: ['true'], Image: 'busybox', Volumes: null, NetworkDisabled: false, Entrypoint: null, WorkingDir: null,
    HostConfig: { NetworkMode: 'default' }, NetworkingConfig: null, MacAddress: null, Labels: null, StopSignal: null, Healthcheck: null, StopTimeout: null, Runtime: null,
  }
  assert.equal(readBody(create, dockerPy).Image, 'busybox')
  assert.deepEqual(readBody(create, { name: 'db', platform: 'linux/amd64', Image: 'i', Cmd: 'true', VolumesFrom: [] }), { Image: 'i', Cmd: ['true'] })
  assert.deepEqual(readBody(create, { Image: 'i', name: 'db', authConfig: { username: 'u' }, PortSpecs: null }), { Image: 'i' })
  assert.deepEqual(readBody(execCreate, { Container: 'c', Privileged: false, Cmd: ['ls'], detachKeys: 'ctrl-q' }), { DetachKeys: 'ctrl-q', Cmd: ['ls'] })
  assert.deepEqual(readBody(execCreate, { containerId: 'c', Cmd: ['ls'] }), { Cmd: ['ls'] })
  assert.deepEqual(readBody(execStart, { hijack: true, stdin: true, Tty: false, Detach: false }), { Tty: false, Detach: false })
})

test('what the CLI sends for networks, volumes, updates and execs is accepted', () => {
  const network = { Name: 'n', Driver: 'bridge', Scope: '', IPAM: { Driver: 'default', Options: {}, Config: [] }, ConfigOnly: false, ConfigFrom: null, Options: {}, Labels: {} }
  assert.deepEqual(readBody(networkCreateSchema(), network), { Name: 'n', Driver: 'bridge', IPAM: { Driver: 'default', Options: {}, Config: [] }, Options: {}, Labels: {} })
  assert.deepEqual(readBody(networkCreateSchema(), { Name: 'n', CheckDuplicate: true, Driver: '', Scope: '', IPAM: null, ConfigFrom: null, Options: null }), { Name: 'n', Driver: '' })
  assert.deepEqual(readBody(volumeCreate, { Driver: 'local', DriverOpts: {}, Labels: null, ClusterVolumeSpec: null }), { Driver: 'local', DriverOpts: {} })
  assert.equal(readBody(containerUpdateSchema(defaultPolicy), { ...resources, MemorySwappiness: null, Memory: 64 * 2 ** 20, RestartPolicy: { Name: '', MaximumRetryCount: 0 } }).Memory, 64 * 2 ** 20)
  assert.deepEqual(readBody(networkConnect, { Container: 'c', EndpointConfig: { ...endpoint, DriverOpts: {} } }), { Container: 'c', EndpointConfig: { DriverOpts: {}, MacAddress: '', GwPriority: 0 } })
  assert.deepEqual(readBody(execCreate, { User: '', Privileged: false, DetachKeys: '', Env: null, WorkingDir: '', Detach: false, Tty: true, Cmd: ['sh'] }),
    { User: '', Tty: true, DetachKeys: '', WorkingDir: '', Cmd: ['sh'] })
})
