import type { Cluster, Redis } from 'ioredis'
import { stringify } from '../../lib/json.ts'
import type { Claim, Kind, ReserveOutcome, Store } from '../../lib/store.ts'
import { clientOf, type Client } from './redis/client.ts'
import { farmVerbs } from './redis/farm.ts'
import { decode, keysOf, kinds, namesKey, sharedKinds, type Numbered } from './redis/keys.ts'
import { namespaceVerbs } from './redis/namespaces.ts'
import { owners, type Owners } from './redis/owners.ts'
import { redisTurns } from './redis/turns.ts'

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
    ...farmVerbs(client),
    ...claimVerbs(client, index),
    ...lookups(client),
    owners: index.of,
    turns: redisTurns(client),
    async shutdown() {
      redis.disconnect()
    },
  }
}

type ClaimVerbs = Pick<Store, 'reserve' | 'claim' | 'rename' | 'release' | 'releaseId'>

function claimVerbs({ script }: Client, index: Owners): ClaimVerbs {
  return {
    claim: claimer({ script }, index),
    async reserve({ ns, kind, name, limit, size = 0, room, by }): Promise<ReserveOutcome> {
      const [outcome, value] = await script<[ReserveOutcome['outcome'], string]>('moorageReserve', keysOf(ns, kind), name, limit ?? '', JSON.stringify({ by }), size, room ?? '')
      if (outcome === 'taken') return { outcome, claim: decode(ns, kind, name, value).claim }
      if (outcome === 'full') return value === 'count' ? { outcome, limit: limit!, of: value } : { outcome, limit: room!, of: 'size' }
      return { outcome }
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
  return async ({ ns, kind, name, id, facts, size }) => {
    if (/^$|\n/.test(id)) throw new Error(`${JSON.stringify(id)} is not an engine id`)
    const keys = keysOf(ns, kind)
    if (await script('moorageIntend', keys, id, name) === 0) return false
    const entered = await index.enter(kind, id, ns)
    const [claimed, before] = entered ? await script<[number, string]>('moorageClaim', keys, id, name, stringify(facts ?? {}), size ?? '') : [0, '']
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
