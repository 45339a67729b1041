import type { Call } from '../endpoint.ts'
import { compareVersions } from '../go.ts'
import { containerdStatus, hasContainerdStore } from '../images/containerd-store.ts'

/** Fields of `GET /info` that are true of the namespace too and that clients branch on; what a newer engine adds is not shown. */
const shown = new Set(['Driver', 'MemoryLimit', 'SwapLimit', 'KernelMemory', 'KernelMemoryTCP', 'CpuCfsPeriod', 'CpuCfsQuota', 'CPUShares', 'CPUSet', 'PidsLimit',
  'IPv4Forwarding', 'BridgeNfIptables', 'BridgeNfIp6tables', 'OomKillDisable', 'SystemTime', 'LoggingDriver', 'CgroupDriver', 'CgroupVersion', 'KernelVersion',
  'OperatingSystem', 'OSVersion', 'OSType', 'Architecture', 'IndexServerAddress', 'NCPU', 'MemTotal', 'ServerVersion', 'Isolation', 'ContainerdCommit',
  'RuncCommit', 'InitCommit', 'SecurityOptions', 'ProductLicense'])

/** Fields that describe the host to its operator; a job sees what a private engine without anything special would say. */
const blanked: Readonly<Record<string, unknown>> = {
  DockerRootDir: '/var/lib/docker', Labels: [], InitBinary: 'docker-init', NFd: 0, NGoroutines: 0, NEventsListener: 0, HttpProxy: '', HttpsProxy: '', NoProxy: '',
  GenericResources: null, Warnings: null, CDISpecDirs: [], DiscoveredDevices: null,
  RegistryConfig: { AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null, InsecureRegistryCIDRs: [], IndexConfigs: {
    'docker.io': { Name: 'docker.io', Mirrors: [], Secure: true, Official: true },
  }, Mirrors: null },
  Runtimes: { runc: { path: 'runc' } }, DefaultRuntime: 'runc',
  Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
  Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: ['json-file', 'local'] },
  DriverStatus: [], LiveRestoreEnabled: false, ExperimentalBuild: false, Debug: false,
}

/** Numbers of own containers by state, and of images. */
export interface Counts {
  running: number
  paused: number
  stopped: number
  images: number
}

/** `GET /info` of the namespace's own engine (Engine API, SystemInfo; engine-api.md C.4). */
export function ownInfo(call: Call, counts: Counts): Record<string, unknown> {
  const { info, now } = call.host.facts()
  const { memory, cpus } = call.policy.limits
  const fields = Object.fromEntries(Object.entries(blanked).filter(([field]) => field in info))
  const kept = Object.fromEntries(Object.entries(info).filter(([field]) => shown.has(field)))
  return {
    ...kept, ...olderFields(info, call), ...fields,
    ID: call.ns, Name: call.ns,
    ...(hasContainerdStore({ info }) && { DriverStatus: [containerdStatus] }),
    // Now: clients ask for events since and until what it says.
    ...('SystemTime' in info && { SystemTime: new Date(now()).toISOString() }),
    Containers: counts.running + counts.paused + counts.stopped,
    ContainersRunning: counts.running, ContainersPaused: counts.paused, ContainersStopped: counts.stopped, Images: counts.images,
    ...(cpus !== undefined && { NCPU: Math.max(1, Math.floor(cpus)) }),
    ...(memory !== undefined && { MemTotal: memory }),
  }
}

const commits = ['ContainerdCommit', 'RuncCommit', 'InitCommit'] as const

/** What engines show to older clients only (moby, api/server/router/system getInfo). The facts are those for the newest version. */
function olderFields(info: Readonly<Record<string, any>>, call: Call): Record<string, unknown> {
  const before = (version: string) => compareVersions(call.version, version) < 0
  const expected = commits.filter((name) => info[name]?.ID).map((name) => [name, { ...info[name], Expected: info[name].ID }])
  return {
    ...(before('1.50') && { BridgeNfIptables: info.BridgeNfIptables ?? false, BridgeNfIp6tables: info.BridgeNfIp6tables ?? false }),
    ...(before('1.49') && Object.fromEntries(expected)),
    ...(before('1.42') && { KernelMemory: info.KernelMemory ?? info.KernelMemoryTCP }),
    ...(before('1.25') && compareVersions(call.host.facts().apiVersion, '1.44') < 0 && { ExecutionDriver: '<not supported>' }),
    ...(before('1.25') && { SecurityOptions: (info.SecurityOptions ?? []).map((option: string) => option.replace(/^name=([^,]*).*/, '$1')) }),
  }
}
