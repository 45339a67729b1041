import type { HostControl } from '../functions/namespaces.ts'
import { roomOf, type Overcommit } from '../lib/placement.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Store } from '../lib/store.ts'
import type { FarmFollower } from './farm.ts'
import type { Fitness } from './hosts/fitness.ts'
import type { Hosts, Member, PoolHost } from './hosts/pool.ts'

export interface HostControlParts {
  store: Store
  hosts: Hosts
  fitness: Pick<Fitness, 'of'>
  overcommit: Overcommit
  farm: Pick<FarmFollower, 'refresh'>
  /** Names of the hosts in this gateway's config. */
  configured: readonly string[]
}

/** Hosts that are added, drained and removed while gateways run; the store tells the others. */
export function hostControl({ store, hosts, fitness, overcommit, farm, configured }: HostControlParts): HostControl {
  async function list() {
    await farm.refresh()
    const loads = await store.loads()
    return hosts.entries().map((host) => shown(host, loads.get(host.record.name), fitness, overcommit)).sort((a, b) => a.name < b.name ? -1 : 1)
  }
  async function one(name: string) {
    return (await list()).find((host) => host.name === name) ?? raise(unknown(name))
  }
  return {
    list,
    async add(wish) {
      const before = (await store.hosts()).find(({ name }) => name === wish.name)
      if (before !== undefined) throw new Refusal(409, `there is a host ${wish.name} already, at ${before.url}; remove it first, or choose another name`)
      await store.putHost(wish)
      return one(wish.name)
    },
    async drain(name, drained) {
      if (!await store.drainHost(name, drained)) throw unknown(name)
      return one(name)
    },
    async remove(name) {
      if (configured.includes(name)) throw new Refusal(409, `host ${name} is in this gateway's config file, which would add it again; take it out there and restart, or drain it`)
      const outcome = await store.removeHost(name)
      if (outcome === 'unknown') throw unknown(name)
      if (outcome === 'inhabited') {
        const living = await store.namespaces(name)
        throw new Refusal(409, `${living.length} namespaces live on host ${name}; drain it and wait for them to end, or close them: ${living.slice(0, 10).map(({ id }) => id).join(' ')}`)
      }
      await farm.refresh()
      return { name, removed: true }
    },
  }
}

function unknown(name: string): Refusal {
  return new Refusal(404, `no such host: ${name}`)
}

function raise(refusal: Refusal): never {
  throw refusal
}

type Load = { namespaces: number; memory: number; cpus: number } | undefined

function shown({ record, live }: PoolHost<Member>, load: Load, fitness: Pick<Fitness, 'of'>, overcommit: Overcommit) {
  const { name, url, drained } = record
  const facts = live.up() ? live.facts() : undefined
  const room = roomOf(record, facts?.info, overcommit)
  return {
    name, url, drained, up: live.up(), ...(facts === undefined ? { away: live.away() } : { engine: facts.engineVersion }),
    namespaces: load?.namespaces ?? 0,
    memory: { reserved: load?.memory ?? 0, of: room.memory },
    cpus: { reserved: load?.cpus ?? 0, of: room.cpus },
    lacks: fitness.of(name).map(({ check, why, remedy }) => ({ check, why, remedy })),
  }
}
