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
 * the store decides whether it still has room. Throws `Refusal` 503 when none has.
 */
export function placer(store: Store, now: () => number): (namespace: Omit<Namespace, 'host'>, takes: Share, hosts: readonly Roomy[]) => Promise<Namespace> {
  let picture = new Map<string, Load>()
  let taken = -Infinity

  async function refresh(): Promise<void> {
    picture = await store.loads()
    taken = now()
  }
  const loadOf = (name: string) => picture.get(name) ?? { namespaces: 0, memory: 0, cpus: 0 }
  const add = (name: string, takes: Share, sign: 1 | -1) => {
    const { namespaces, memory, cpus } = loadOf(name)
    picture.set(name, { namespaces: namespaces + sign, memory: memory + sign * takes.memory, cpus: cpus + sign * takes.cpus })
  }

  return async (namespace, takes, hosts) => {
    if (now() - taken > pictureLasts) await refresh()
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
      // Before the store answers, so that others who choose meanwhile see it.
      add(best.name, takes, 1)
      const placed = { ...namespace, host: best.name }
      const outcome = await store.open(placed, { takes, of: best.of }).catch((error) => {
        add(best.name, takes, -1)
        throw error
      })
      if (outcome === 'opened') return placed
      // A host that fills up again and again is left to the others.
      if (outcome === 'drained' || (refusals.get(best.name) ?? 0) >= patience) open.delete(best.name)
      refusals.set(best.name, (refusals.get(best.name) ?? 0) + 1)
      await refresh()
    }
    throw noRoom(takes, hosts)
  }
}

function noRoom(takes: Share, hosts: readonly Roomy[]): Refusal {
  const wanted = [takes.cpus > 0 && `${takes.cpus} cores`, takes.memory > 0 && `${Math.ceil(takes.memory / 1024 ** 2)} MiB of memory`].filter(Boolean)
  return new Refusal(503, `no host has room for ${wanted.join(' and ') || 'another namespace'} (${hosts.map(({ name }) => name).join(', ')}); `
    + 'try again when other namespaces are closed, or ask the operator for another host')
}
