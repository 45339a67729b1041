/** What a container gets when the job asks for nothing: the limits of its policy. */
import type { Policy } from '../policy.ts'
import type { ContainerUpdate } from './container-update.ts'
import type { HostConfig } from './host-config.ts'
import { boundedLogConfig } from './logging.ts'
import { defaultCpuPeriod } from './resources.ts'
import { sizedTmpfsOptions } from './tmpfs.ts'
import { type Ulimits, ulimitCeiling } from './ulimits.ts'

type Integer = number | bigint

interface Processor {
  NanoCpus?: Integer
  CpuPeriod?: Integer
  CpuQuota?: Integer
}

/**
 * The host config to send: what the job set, and the policy's limits where it set none. To the engine 0 and -1 mean "no limit" for memory,
 * processors and processes; here they mean the policy's limit. Expects what `hostConfigSchema(policy)` has read; nothing is refused here.
 */
export function forcedResources(hostConfig: HostConfig, policy: Policy): HostConfig {
  const { memory, pids } = policy.limits
  return {
    ...hostConfig,
    ...(memory === undefined ? {} : { Memory: orLimit(hostConfig.Memory, memory), MemorySwap: withoutUnlimited(hostConfig.MemorySwap) }),
    ...processor(hostConfig, policy),
    PidsLimit: orLimit(hostConfig.PidsLimit, pids),
    Ulimits: cappedUlimits(hostConfig.Ulimits ?? [], policy),
    LogConfig: boundedLogConfig(hostConfig.LogConfig ?? {}),
    ...(hostConfig.Tmpfs && { Tmpfs: sizedTmpfs(hostConfig.Tmpfs, policy) }),
    ...(hostConfig.Mounts && { Mounts: sizedMounts(hostConfig.Mounts, policy) }),
  }
}

/**
 * The update to send: what the job sets, and the limits where it lifts one. What it leaves unset stays as it is on the container;
 * 0 leaves memory and processors as they are, and lifts the limit on processes.
 */
export function forcedUpdate(update: ContainerUpdate, policy: Policy): ContainerUpdate {
  const { memory, cpus, pids } = policy.limits
  const lifted = (value: Integer | undefined, limit: Integer | undefined) => (value !== undefined && value < 0 && limit !== undefined ? limit : value)
  return {
    ...update,
    ...(update.Memory !== undefined && { Memory: lifted(update.Memory, memory) }),
    ...(update.MemorySwap !== undefined && memory !== undefined && { MemorySwap: withoutUnlimited(update.MemorySwap) }),
    ...(update.CpuQuota !== undefined && { CpuQuota: lifted(update.CpuQuota, cpus && quotaOf(update, cpus)) }),
    ...(update.PidsLimit !== undefined && { PidsLimit: orLimit(update.PidsLimit, pids) }),
    ...(update.Ulimits && { Ulimits: cappedUlimits(update.Ulimits, policy) }),
  }
}

function orLimit(value: Integer | undefined, limit: number): Integer {
  return value === undefined || value <= 0 ? limit : value
}

/** Unlimited swap would be memory without limit; 0 lets the engine choose twice the memory. */
function withoutUnlimited(swap: Integer | undefined): Integer {
  return swap === undefined || swap < 0 ? 0 : swap
}

/** The engine takes NanoCpus or CpuPeriod and CpuQuota, never both. */
function processor(hostConfig: Processor, { limits: { cpus } }: Policy): Processor {
  if (cpus === undefined || (hostConfig.NanoCpus ?? 0) > 0 || (hostConfig.CpuQuota ?? 0) > 0) return {}
  if ((hostConfig.CpuPeriod ?? 0) > 0) return { CpuQuota: quotaOf(hostConfig, cpus) }
  return { NanoCpus: Math.floor(cpus * 1e9), CpuQuota: 0 }
}

function quotaOf({ CpuPeriod: period }: Processor, cpus: number): number {
  return Math.floor(Number(period || defaultCpuPeriod) * cpus)
}

function cappedUlimits(ulimits: Ulimits, policy: Policy): Ulimits {
  return ulimits.map((ulimit) => {
    const most = ulimitCeiling(ulimit.Name ?? '', policy)
    const capped = (value: Integer = 0) => (most !== undefined && value < 0 ? most : value)
    return { ...ulimit, Hard: capped(ulimit.Hard), Soft: capped(ulimit.Soft) }
  })
}

function sizedTmpfs(tmpfs: Record<string, string>, policy: Policy): Record<string, string> {
  return Object.fromEntries(Object.entries(tmpfs).map(([target, options]) => [target, sizedTmpfsOptions(options, policy)]))
}

function sizedMounts(mounts: NonNullable<HostConfig['Mounts']>, policy: Policy): NonNullable<HostConfig['Mounts']> {
  return mounts.map((mount) => (mount.Type !== 'tmpfs' ? mount
    : { ...mount, TmpfsOptions: { ...mount.TmpfsOptions, SizeBytes: orLimit(mount.TmpfsOptions?.SizeBytes, policy.limits.shm) } }))
}
