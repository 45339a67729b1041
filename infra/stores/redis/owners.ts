import type { Kind } from '../../../lib/store.ts'
import type { Client } from './client.ts'
import { keysOf, ownersKey, recordKey, sharedKinds } from './keys.ts'

/**
 * The index from engine ids to namespaces.
 *
 * It lies in other places of a cluster than the namespaces, so no script can write both. An entry is therefore written before its claim
 * and removed after it: whatever dies in between, an entry may point at a namespace without the claim, which readers check, and
 * never is there a claim without an entry.
 */
export interface Owners {
  /** Writes the entry. False when the id is of another namespace, for kinds that one namespace owns alone. */
  enter(kind: Kind, id: string, ns: string): Promise<boolean>
  /** Removes the entry unless the namespace claims the id under some name. */
  leave(kind: Kind, id: string, ns: string): Promise<void>
  /** Removes the entry of a namespace in which nothing can be claimed any more. */
  remove(kind: Kind, id: string, ns: string): Promise<void>
  /** Namespaces that claim the id. */
  of(kind: Kind, id: string): Promise<string[]>
}

export function owners({ script, ask }: Client): Owners {
  const claims = async (ns: string, kind: Kind, id: string) => await script<number>('moorageClaims', keysOf(ns, kind), id) === 1
  const remove: Owners['remove'] = async (kind, id, ns) => void await ask((redis) => redis.srem(ownersKey(kind, id), ns))

  /** An engine gives no id twice, so an owner is replaced only once its namespace is forgotten. */
  async function own(kind: Kind, id: string, ns: string): Promise<boolean> {
    const owner = await script<string>('moorageOwn', [ownersKey(kind, id)], ns)
    if (owner === ns) return true
    if (await ask((redis) => redis.exists(recordKey(owner))) === 1) return false
    return await script<number>('moorageInherit', [ownersKey(kind, id)], owner, ns) === 1
  }

  async function share(kind: Kind, id: string, ns: string): Promise<boolean> {
    await ask((redis) => redis.sadd(ownersKey(kind, id), ns))
    return true
  }

  return {
    remove,
    enter: (kind, id, ns) => sharedKinds.has(kind) ? share(kind, id, ns) : own(kind, id, ns),
    async leave(kind, id, ns) {
      if (await claims(ns, kind, id)) return
      await remove(kind, id, ns)
      // A claim made meanwhile has its entry back.
      if (await script<number>('moorageForgetId', keysOf(ns, kind), id) === 1) await share(kind, id, ns)
    },
    async of(kind, id) {
      const entered = await ask((redis) => redis.smembers(ownersKey(kind, id)))
      const claiming = await Promise.all(entered.map((ns) => claims(ns, kind, id)))
      return entered.filter((_, index) => claiming[index]).sort()
    },
  }
}
