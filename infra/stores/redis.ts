import type { Cluster, Redis } from 'ioredis'
import type { Claim, Kind, Namespace, ReserveOutcome, Store } from '../../lib/store.ts'
import { clientOf, type Client } from './redis/client.ts'
import { decode, idsKey, keysOf, kinds, namesKey, namespacesKey, recordKey, sharedKinds, type Numbered } from './redis/keys.ts'
import { owners, type Owners } from './redis/owners.ts'

/** Commands sent at one time where a verb needs one for each of many namespaces or ids. */
const atOnce = 500

/**
 * The store of several gateways: Redis 6 or newer, Valkey, alone, with Sentinel or as a Cluster.
 *
 * Verbs throw `Refusal` 503 while Redis is away. A verb that lost its answer may have been carried out: nothing is tried again by itself.
 * `shutdown` ends the connection. Make the connection with `connectRedis`, whose options this relies on.
 */
export function openRedisStore(redis: Redis | Cluster): Store {
  const client = clientOf(redis)
  const index = owners(client)
  return {
    ...namespaceVerbs(client, index),
    ...claimVerbs(client, index),
    ...lookups(client),
    owners: index.of,
    async shutdown() {
      redis.disconnect()
    },
  }
}

type NamespaceVerbs = Pick<Store, 'open' | 'find' | 'namespaces' | 'extend' | 'close' | 'forget'>

function namespaceVerbs({ script, ask }: Client, index: Owners): NamespaceVerbs {
  const find: Store['find'] = async (ns) => namespaceOf(await ask((redis) => redis.hgetall(recordKey(ns))))

  async function removeEntries(ns: string): Promise<void> {
    const members = await script<string[][]>('moorageEmpty', [recordKey(ns), ...kinds.map((kind) => idsKey(ns, kind))])
    const entries = kinds.flatMap((kind, at) => [...new Set(members[at]!.map((member) => member.split('\n', 1)[0]!))].map((id) => ({ kind, id })))
    await inBatches(entries, ({ kind, id }) => index.remove(kind, id, ns))
  }

  return {
    find,
    async open({ id, host, policy, label, domain, opened, expires, state }) {
      // Before the record: an id without one is none, a record that is not listed would be there for ever.
      await ask((redis) => redis.sadd(namespacesKey, id))
      const fields = Object.entries({ id, host, policy, label, domain, opened, expires, state }).flat()
      if (await script('moorageOpen', [recordKey(id)], ...fields) === 0) throw new Error(`namespace ${id} is already open`)
    },
    async namespaces() {
      const found = await inBatches(await ask((redis) => redis.smembers(namespacesKey)), find)
      return found.filter((one) => one !== undefined).sort((a, b) => a.opened - b.opened || (a.id < b.id ? -1 : 1))
    },
    async extend(ns, expires) {
      await script('moorageExtend', [recordKey(ns)], expires)
    },
    async close(ns) {
      return await script('moorageClose', [recordKey(ns)]) === 1
    },
    async forget(ns) {
      await removeEntries(ns)
      await ask((redis) => redis.del(recordKey(ns), ...kinds.flatMap((kind) => [namesKey(ns, kind), idsKey(ns, kind)])))
      await ask((redis) => redis.srem(namespacesKey, ns))
    },
  }
}

type ClaimVerbs = Pick<Store, 'reserve' | 'claim' | 'rename' | 'release' | 'releaseId'>

function claimVerbs({ script }: Client, index: Owners): ClaimVerbs {
  return {
    claim: claimer({ script }, index),
    async reserve({ ns, kind, name, limit }): Promise<ReserveOutcome> {
      const [outcome, value] = await script<[ReserveOutcome['outcome'], string]>('moorageReserve', keysOf(ns, kind), name, limit ?? '')
      if (outcome === 'taken') return { outcome, claim: decode(ns, kind, name, value).claim }
      return outcome === 'full' ? { outcome, limit: limit! } : { outcome }
    },
    rename: (ns, kind, from, to) => script('moorageRename', keysOf(ns, kind), from, to),
    async release(ns, kind, name) {
      const id = await script<string>('moorageRelease', keysOf(ns, kind), name)
      if (id !== '') await index.leave(kind, id, ns)
    },
    async releaseId(ns, kind, id) {
      const names = await script<string[]>('moorageReleaseId', keysOf(ns, kind), id)
      if (names.length > 0) await index.leave(kind, id, ns)
      return names
    },
  }
}

function claimer({ script }: Pick<Client, 'script'>, index: Owners): Store['claim'] {
  return async ({ ns, kind, name, id, facts }) => {
    if (/^$|\n/.test(id)) throw new Error(`${JSON.stringify(id)} is not an engine id`)
    const keys = keysOf(ns, kind)
    if (await script('moorageIntend', keys, id, name) === 0) return false
    const entered = await index.enter(kind, id, ns)
    const [claimed, before] = entered ? await script<[number, string]>('moorageClaim', keys, id, name, JSON.stringify(facts ?? {})) : [0, '']
    if (before !== '') await index.leave(kind, before, ns)
    if (claimed === 0) await index.leave(kind, id, ns)
    // Whoever released the same content at this moment may have removed the entry.
    else if (sharedKinds.has(kind)) await index.enter(kind, id, ns)
    return claimed === 1
  }
}

type Lookups = Pick<Store, 'byName' | 'byId' | 'byIdPrefix' | 'claims' | 'reservations'>

function lookups({ script, ask }: Client): Lookups {
  const all = async (ns: string, kind: Kind) =>
    oldestFirst(Object.entries(await ask((redis) => redis.hgetall(namesKey(ns, kind)))).map(([name, value]) => decode(ns, kind, name, value)))

  return {
    async byName(ns, kind, name) {
      const value = await ask((redis) => redis.hget(namesKey(ns, kind), name))
      const claim = value === null ? undefined : decode(ns, kind, name, value).claim
      return claim?.id === undefined ? undefined : claim
    },
    async byId(ns, kind, id) {
      return oldestFirst(pairs(await script('moorageById', keysOf(ns, kind), id)).map(([name, value]) => decode(ns, kind, name, value)))[0]
    },
    async byIdPrefix(ns, kind, prefix) {
      return oldestFirst(pairs(await script('moorageByIdPrefix', keysOf(ns, kind), prefix, 2)).map(([name, value]) => decode(ns, kind, name, value)))
    },
    async claims(ns, kind) {
      return (await all(ns, kind)).filter(({ id }) => id !== undefined)
    },
    async reservations(ns) {
      return (await Promise.all(kinds.map((kind) => all(ns, kind)))).flat().filter(({ id }) => id === undefined)
    },
  }
}

function pairs(flat: string[]): [string, string][] {
  return flat.flatMap((name, at) => at % 2 === 0 ? [[name, flat[at + 1]!] as [string, string]] : [])
}

function oldestFirst(found: Numbered[]): Claim[] {
  return found.sort((a, b) => a.number - b.number).map(({ claim }) => claim)
}

function namespaceOf(fields: Record<string, string>): Namespace | undefined {
  const { id, host, policy, label, domain, opened, expires, state } = fields
  if (id === undefined) return undefined
  return { id, host: host!, policy: policy!, label: label!, domain: domain ?? id, opened: Number(opened), expires: Number(expires), state: state === 'open' ? 'open' : 'closing' }
}

async function inBatches<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < all.length; at += atOnce) results.push(...await Promise.all(all.slice(at, at + atOnce).map(work)))
  return results
}
