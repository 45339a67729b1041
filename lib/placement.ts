import type { HostRecord, Load, Share } from './farm.ts'

/** A host that may take a namespace: what it has to be reserved, what is reserved, and whether the namespace's trust domain lives there. */
export interface Candidate {
  name: string
  of: Share
  load: Load
  home: boolean
}

/** How many times what an engine has may be reserved on it. */
export type Overcommit = Share

/** What a host has to be reserved: what the operator says, else what the engine has, so many times. Undefined parts are unknown. */
export function roomOf(record: HostRecord, info: Readonly<Record<string, unknown>> | undefined, overcommit: Overcommit): { memory?: number; cpus?: number } {
  return {
    memory: record.memory ?? (info && Number(info.MemTotal) * overcommit.memory),
    cpus: record.cpus ?? (info && Number(info.NCPU) * overcommit.cpus),
  }
}

/** How much fuller a host may be than the emptiest and still be chosen because the domain's build cache is warm there; 1 is a whole host. */
const warmth = 0.25

/** Cores that a namespace counts as at least, so that those which reserve nothing are spread too. */
const least = 0.25

/**
 * The host to place a namespace on: with room for what it takes, then the emptiest, with a preference for the homes of its trust domain.
 * Undefined when none has room.
 */
export function choose(candidates: readonly Candidate[], takes: Share): Candidate | undefined {
  const fitting = candidates.filter((candidate) => fits(candidate, takes))
  const value = (candidate: Candidate) => fullness(candidate, takes) - (candidate.home ? warmth : 0)
  return fitting.reduce<Candidate | undefined>((best, one) => best === undefined || value(one) < value(best) ? one : best, undefined)
}

function fits({ of, load }: Candidate, takes: Share): boolean {
  // A thousandth of a core is as fine as the store counts.
  return load.memory + takes.memory <= of.memory && load.cpus + takes.cpus < of.cpus + 0.0005
}

/** How full the host would be, 1 being all of what it has most of taken. */
function fullness({ of, load }: Candidate, takes: Share): number {
  const namespaces = load.namespaces + 1
  return Math.max((load.memory + takes.memory) / of.memory, (load.cpus + takes.cpus) / of.cpus, namespaces * least / of.cpus)
}
