import type { Load, Share } from '../lib/farm.ts'
import { choose, type Candidate } from '../lib/placement.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'

/** A host that may be chosen, and what it has to be reserved. */
export interface Roomy {
  name: string
  of: Share
}

/** Milliseconds for which the picture of all loads is used; it decides which host is asked first, never how much a host takes. */
const pictureLasts = 1_000

/** How often a host that the picture shows to have room may turn out to be full. */
const patience = 20

/**
 * Records namespaces on hosts: of those that may be chosen, the one that `choose` finds best by a picture of all loads that is at most a second old;
 * the store decides whether it still has room. Throws `Refusal` 503 when none has, and 429 when the opener has as many as it may (`most`).
 */
export function placer(store: Store, now: () => number): (namespace: Omit<Namespace, 'host'>, takes: Share, hosts: readonly Roomy[], most?: number) => Promise<Namespace> {
  const { loadOf, refresh, isOld, placing } = picture(store, now)

  return async (namespace, takes, hosts, most) => {
    if (isOld()) await refresh()
    const homes = new Set(namespace.domain === namespace.id ? [] : await store.homes(namespace.domain))
    const open = new Map(hosts.map((host) => [host.name, host]))
    const candidates = () => [...open.values()].map((host): Candidate => ({ ...host, load: loadOf(host.name), home: homes.has(host.name) }))
    const refusals = new Map<string, number>()
    for (let looked = false; open.size > 0;) {
      const best = choose(candidates(), takes)
      if (best === undefined) {
        // The picture may show what was given back since.
        if (looked) break
        await refresh()
        looked = true
        continue
      }
      const placed = { ...namespace, host: best.name }
      const outcome = await placing(best.name, takes, () => store.open(placed, { takes, of: best.of, ...(most !== undefined && { most }) }))
      if (outcome === 'opened') return placed
      if (outcome === 'many') throw tooMany(namespace.by, most!)
      // A host that fills up again and again is left to the others.
      if (outcome === 'drained' || (refusals.get(best.name) ?? 0) >= patience) open.delete(best.name)
      refusals.set(best.name, (refusals.get(best.name) ?? 0) + 1)
      await refresh()
    }
    throw noRoom(takes, hosts)
  }
}

/** What is reserved on every host as far as is known: what the store said last, and what has been asked of it since. */
function picture(store: Store, now: () => number) {
  let known = new Map<string, Load>()
  let taken = -Infinity
  let looking: Promise<void> | undefined
  // Counted before the store answers, so that others who choose meanwhile see it.
  const asked = new Map<string, Load>()

  return {
    loadOf: (host: string): Load => sum(known.get(host), asked.get(host)),
    isOld: () => now() - taken > pictureLasts,
    refresh: () => looking ??= store.loads().then((loads) => {
      known = loads
      taken = now()
    }).finally(() => { looking = undefined }),
    async placing(host: string, takes: Share, open: () => ReturnType<Store['open']>): ReturnType<Store['open']> {
      const load = { namespaces: 1, ...takes }
      asked.set(host, sum(asked.get(host), load))
      try {
        const outcome = await open()
        if (outcome === 'opened') known.set(host, sum(known.get(host), load))
        return outcome
      } finally {
        asked.set(host, sum(asked.get(host), load, -1))
      }
    },
  }
}

const nothing: Load = { namespaces: 0, memory: 0, cpus: 0 }

function sum(one: Load = nothing, other: Load = nothing, sign: 1 | -1 = 1): Load {
  return { namespaces: one.namespaces + sign * other.namespaces, memory: one.memory + sign * other.memory, cpus: one.cpus + sign * other.cpus }
}

function tooMany(by: string, most: number): Refusal {
  return new Refusal(429, `${by} has ${most} namespaces, and may have no more at one time; close one, or try again when one has ended`)
}

function noRoom(takes: Share, hosts: readonly Roomy[]): Refusal {
  const wanted = [takes.cpus > 0 && `${takes.cpus} cores`, takes.memory > 0 && `${Math.ceil(takes.memory / 1024 ** 2)} MiB of memory`].filter(Boolean)
  return new Refusal(503, `no host has room for ${wanted.join(' and ') || 'another namespace'} (${hosts.map(({ name }) => name).join(', ')}); `
    + 'try again when other namespaces are closed, or ask the operator for another host')
}
