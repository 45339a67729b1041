/** `HostConfig` (Engine API): how a container runs on its host. The struct that decides whether a namespace holds. */
import type { Policy } from '../policy.ts'
import { forbidden, Refusal } from '../refusal.ts'
import { allow, anything, drop, flag, force, int, int64, list, mapOf, pass, quota, type ReadBy, rewrite, struct, text, textList, textMap, uint } from '../schema.ts'
import { address, parseExtraHost, parseLink } from './addresses.ts'
import { parseBind, parseVolumesFrom } from './binds.ts'
import { logConfig } from './logging.ts'
import { checkCgroupnsMode, checkIsolation, checkUtsMode, parseIpcMode, parseNetworkMode, parsePidMode } from './modes.ts'
import { mountSchema } from './mounts.ts'
import { checkPortCount, portBindings } from './ports.ts'
import { checkCpuQuota, resourceEntries } from './resources.ts'
import { restartPolicy } from './restart-policy.ts'
import { checkCapAdd, checkSecurityOpt, checkSysctls, isDefaultMasked, isDefaultReadonly } from './security.ts'
import { checkTmpfsOptions, checkTmpfsSize, checkTmpfsTarget } from './tmpfs.ts'

/** What the gateway knows of the engine a body is for. */
export interface EngineFacts {
  /** The engine's default runtime: naming it is the same as naming none. */
  runtime?: string
}

/** The runtime that engines are shown to have: naming it is naming none, whatever the engine's own default is. */
const shownRuntime = 'runc'

const unmasked = { why: 'it would uncover parts of /proc and /sys that reach the engine\'s host', instead: 'leave it out (no --security-opt systempaths)' }

function storage(policy: Policy) {
  return {
    Binds: rewrite(textList, (binds, at) => binds.forEach((bind) => parseBind(bind, at))),
    Mounts: rewrite(list(mountSchema(policy))),
    VolumeDriver: force(text, { why: 'volume drivers are programs of the engine\'s host', instead: 'leave it out: volumes are local' }),
    VolumesFrom: rewrite(textList, (specs, at) => specs.forEach((spec) => parseVolumesFrom(spec, at))),
    Tmpfs: quota(mapOf(text, checkTmpfsTarget), (map, at) => Object.values(map).forEach((options) => checkTmpfsOptions(options, at, policy))),
    ShmSize: quota(int64, (bytes, at) => checkTmpfsSize(bytes, at, policy)),
    StorageOpt: force(anything, { why: 'it sets up the engine\'s disk', instead: 'leave it out' }),
    ReadonlyRootfs: pass(flag),
  }
}

function network(policy: Policy) {
  return {
    NetworkMode: rewrite(text, (mode, at) => void parseNetworkMode(mode, at)),
    PortBindings: rewrite(portBindings, (bindings, at) => void checkPortCount(bindings, at, policy)),
    PublishAllPorts: rewrite(flag),
    Dns: pass(list(address)),
    DnsOptions: pass(textList),
    DnsSearch: pass(textList),
    ExtraHosts: rewrite(textList, (entries, at) => entries.forEach((entry) => parseExtraHost(entry, at))),
    Links: rewrite(textList, (links, at) => links.forEach((link) => parseLink(link, at))),
  }
}

function isolation(policy: Policy, { runtime }: EngineFacts) {
  return {
    PidMode: rewrite(text, (mode, at) => void parsePidMode(mode, at)),
    IpcMode: rewrite(text, (mode, at) => void parseIpcMode(mode, at)),
    UTSMode: allow(text, checkUtsMode),
    UsernsMode: force(text, { why: 'host would switch off the mapping of users on the engine\'s host', instead: 'leave it out' }),
    CgroupnsMode: allow(text, checkCgroupnsMode),
    Cgroup: force(text, { why: 'it would move processes out of this namespace\'s control group', instead: 'leave it out' }),
    Isolation: allow(text, checkIsolation),
    Privileged: force(flag, {
      why: 'a privileged container owns the engine\'s host',
      instead: 'run without it; if one capability is missing ask for that in CapAdd, and build images with docker build instead of a daemon inside',
    }),
    CapAdd: allow(textList, (names, at) => checkCapAdd(names, at, policy)),
    CapDrop: pass(textList),
    // API 1.40 only: it replaces the default set.
    Capabilities: force(anything, { why: 'it would replace the capabilities the engine gives containers', instead: 'use CapAdd and CapDrop' }),
    SecurityOpt: allow(textList, checkSecurityOpt),
    MaskedPaths: force(textList, unmasked, (paths) => isDefaultMasked(paths as string[])),
    ReadonlyPaths: force(textList, unmasked, (paths) => isDefaultReadonly(paths as string[])),
    Sysctls: allow(textMap, checkSysctls),
    Runtime: allow(text, (name, at) => {
      if (name === '' || name === shownRuntime || name === runtime) return ''
      throw forbidden({ field: at, why: 'other runtimes may isolate containers less', instead: 'leave it out to get the engine\'s default' })
    }),
    Annotations: force(anything, { why: 'annotations change what the runtime does on the engine\'s host', instead: 'use labels' }),
    OomScoreAdj: allow(int, checkOomScore),
    GroupAdd: pass(textList),
  }
}

function checkOomScore(score: number | bigint, at: string): void {
  if (score < -1000 || score > 1000) throw new Refusal(400, `Invalid value ${score}, range for oom score adj is [-1000, 1000]`, at)
  if (score < 0) throw forbidden({ field: at, why: 'below 0 the container would survive at the cost of others on the engine\'s host', instead: 'use 0 to 1000' })
}

export function hostConfigSchema(policy: Policy, facts: EngineFacts = {}) {
  return struct('container.HostConfig', {
    ...storage(policy),
    ...network(policy),
    ...isolation(policy, facts),
    ...resourceEntries(policy),
    LogConfig: allow(logConfig, () => undefined),
    RestartPolicy: pass(restartPolicy),
    AutoRemove: pass(flag),
    Init: pass(flag),
    ConsoleSize: pass(list(uint)),
    ContainerIDFile: drop(text),
  }, { after: (read, at) => checkCpuQuota(read, at, policy) })
}

export type HostConfig = ReadBy<ReturnType<typeof hostConfigSchema>>
