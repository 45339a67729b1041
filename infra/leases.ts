import type { Policy } from '../lib/policy.ts'
import type { Namespace, Store } from '../lib/store.ts'

/** Extends leases of namespaces that are used. */
export interface Leases {
  /** A request of the namespace arrived. */
  used(ns: string): void
  /** Extends the leases of what was used since, and of namespaces with open connections. */
  extend(connected: Iterable<string>): Promise<void>
  /**
   * Gives every open namespace at least so many milliseconds from `now`, or its idle time when that is less: for when none could be used, or
   * the time of day was set.
   */
  spare(now: number, milliseconds?: number): Promise<void>
}

/** Extensions per time a namespace may be idle: a lease is never shorter than four fifths of it while the namespace is used. */
const often = 5

/** The store is written to rarely: once a fifth of the time a namespace may be idle. */
export function leases(store: Store, find: (ns: string) => Promise<Namespace | undefined>, policy: (name: string) => Policy, now: () => number): Leases {
  const seen = new Set<string>()
  const next = new Map<string, number>()

  async function extend(ns: string): Promise<void> {
    const namespace = await find(ns)
    if (namespace === undefined || namespace.state !== 'open') return void next.delete(ns)
    const idle = policy(namespace.policy).idle * 1000
    await store.extend(ns, leaseEnd(namespace.expires, idle, now()))
    next.set(ns, now() + idle / often)
  }

  /** A policy may be gone from the config while its namespaces live. */
  function idleOf({ policy: name }: Namespace): number {
    try {
      return policy(name).idle * 1000
    } catch {
      return Infinity
    }
  }

  return {
    used: (ns) => void seen.add(ns),
    async extend(connected) {
      const used = new Set([...seen, ...connected])
      seen.clear()
      for (const ns of next.keys()) if (!used.has(ns) && next.get(ns)! < now()) next.delete(ns)
      const dueNow = [...used].filter((ns) => (next.get(ns) ?? 0) <= now())
      // What the store did not take is tried at the next time.
      await Promise.all(dueNow.map((ns) => extend(ns).catch(() => seen.add(ns))))
    },
    async spare(at, milliseconds = Infinity) {
      next.clear()
      for (const namespace of await store.namespaces()) {
        const time = Math.min(milliseconds, idleOf(namespace))
        if (namespace.state === 'open') await store.extend(namespace.id, leaseEnd(namespace.expires, time, at))
      }
    },
  }
}

/** When the lease of a namespace that is used now ends: never after its lifetime. */
export function leaseEnd(expires: number, idle: number, now: number): number {
  return Math.min(expires, now + idle)
}
