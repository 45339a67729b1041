/** The resources of a container (Engine API, Resources): part of HostConfig and of container update. */
import { permit, type Policy } from '../policy.ts'
import { forbidden, Refusal } from '../refusal.ts'
import { anything, type Check, drop, flag, force, int64, pass, quota, text, uint16 } from '../schema.ts'
import { aboveLimit } from './limits.ts'
import { sizeWords } from './sizes.ts'
import { checkUlimits, ulimits } from './ulimits.ts'

type Integer = number | bigint

const nanosPerCpu = 1e9

/** The kernel's period when a container names none, microseconds. */
export const defaultCpuPeriod = 100_000

const devices = { why: 'devices belong to the engine\'s host', instead: 'leave it out; ask the operator for a class of hosts that has the device' }
const pinning = { why: 'cores and memory of the engine\'s host are shared with other namespaces', instead: 'use NanoCpus (--cpus) to limit the processor' }
const realtime = { why: 'real-time scheduling takes the processor from everybody else on the engine\'s host', instead: 'leave it out' }
const blkio = { why: 'it names block devices of the engine\'s host and its shares of them', instead: 'leave it out' }
const cgroup = { why: 'it would move processes out of this namespace\'s control group', instead: 'leave it out' }

function memory(policy: Policy, times = 1): Check<Integer> {
  const limit = policy.limits.memory
  return (bytes, at) => {
    if (limit !== undefined && bytes > limit * times) permit(policy, aboveLimit(at, 'limits.memory', sizeWords(limit), Math.ceil(Number(bytes) / times)))
  }
}

function cpus(policy: Policy): Check<Integer> {
  const limit = policy.limits.cpus
  return (nanos, at) => {
    if (limit !== undefined && Number(nanos) > limit * nanosPerCpu) permit(policy, aboveLimit(at, 'limits.cpus', `${limit} CPUs`, Number(nanos) / nanosPerCpu))
  }
}

/** A weight, not a limit: above the default it would weigh more than other namespaces' containers. */
const defaultShares = 1024
const shares: Check<Integer> = (weight, at) => {
  if (weight > defaultShares) {
    throw forbidden({ field: at, why: `a weight above the usual ${defaultShares} takes processor time from other namespaces`, instead: 'weigh the other containers less' })
  }
}

const swappiness: Check<Integer> = (value, at) => {
  if (value < -1 || value > 100) throw new Refusal(400, `invalid value: ${value}, valid memory swappiness range is 0-100`, at)
}

/** The fields of Resources, to be spread into the structs that have them. 0 and -1 mean "as much as there is" and are never above a limit. */
export function resourceEntries(policy: Policy) {
  return {
    CpuShares: quota(int64, shares),
    Memory: quota(int64, memory(policy)),
    NanoCpus: quota(int64, cpus(policy)),
    CgroupParent: force(text, cgroup),
    BlkioWeight: force(uint16, blkio),
    BlkioWeightDevice: force(anything, blkio),
    BlkioDeviceReadBps: force(anything, blkio),
    BlkioDeviceWriteBps: force(anything, blkio),
    BlkioDeviceReadIOps: force(anything, blkio),
    BlkioDeviceWriteIOps: force(anything, blkio),
    CpuPeriod: quota(int64, () => undefined),
    CpuQuota: quota(int64, () => undefined),
    CpuRealtimePeriod: force(int64, realtime),
    CpuRealtimeRuntime: force(int64, realtime),
    CpusetCpus: force(text, pinning),
    CpusetMems: force(text, pinning),
    Devices: force(anything, devices),
    DeviceCgroupRules: force(anything, devices),
    DeviceRequests: force(anything, devices),
    MemoryReservation: quota(int64, memory(policy)),
    // Memory and swap together; the engine's own default is twice the memory.
    MemorySwap: quota(int64, memory(policy, 2)),
    MemorySwappiness: pass({ ...int64, go: 'int64' }, swappiness),
    OomKillDisable: force(flag, { why: 'a container that cannot be killed takes the host\'s memory from everybody', instead: 'set Memory to what it needs' }),
    PidsLimit: quota(int64, (count, at) => {
      if (count > policy.limits.pids) permit(policy, aboveLimit(at, 'limits.pids', `${policy.limits.pids} processes`, Number(count)))
    }),
    Ulimits: quota(ulimits, (list, at) => checkUlimits(list, at, policy)),
    // Fields of older API versions and of Windows, which Linux engines ignore.
    KernelMemory: drop(int64),
    KernelMemoryTCP: drop(int64),
    CpuCount: drop(int64),
    CpuPercent: drop(int64),
    IOMaximumIOps: drop(anything),
    IOMaximumBandwidth: drop(anything),
    DiskQuota: drop(int64),
  }
}

/** CpuQuota is a share of CpuPeriod; only both together can be above the limit. */
export function checkCpuQuota(read: { CpuQuota?: Integer; CpuPeriod?: Integer }, at: string, policy: Policy): void {
  const limit = policy.limits.cpus
  const period = Number(read.CpuPeriod || defaultCpuPeriod)
  const field = at === '' ? 'CpuQuota' : `${at}.CpuQuota`
  if (limit !== undefined && Number(read.CpuQuota ?? 0) > limit * period) {
    permit(policy, aboveLimit(field, 'limits.cpus', `${limit} CPUs`, Number(read.CpuQuota) / period))
  }
}
