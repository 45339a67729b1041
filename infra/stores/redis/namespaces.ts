import { closingsKept, thousandths } from '../../../lib/farm.ts'
import type { Namespace, Place, Store } from '../../../lib/store.ts'
import type { Client } from './client.ts'
import { line } from './farm.ts'
import { farmKeys as keys, idsKey, kinds, namesKey, recordKey } from './keys.ts'
import type { Owners } from './owners.ts'

/** Commands sent at one time where a verb needs one for each of many namespaces or ids. */
const atOnce = 500

/** Milliseconds a place may be without a record: that long ago a gateway died between the two, and the place is given up. */
const graceOfPlaces = 60_000

const placeKeys = [keys.places, keys.on, keys.load, keys.homes, keys.namespaces, keys.openers]

type NamespaceVerbs = Pick<Store, 'open' | 'find' | 'namespaces' | 'due' | 'extend' | 'close' | 'forget'>

/**
 * Namespaces. A record lies with its claims, its place with the farm's: the place is taken before the record is written and given up after it
 * is gone, so that whatever dies in between, nothing is without a place, and `due` finds places without a record.
 */
export function namespaceVerbs(client: Client, index: Owners): NamespaceVerbs {
  const { script, ask } = client
  const find: Store['find'] = async (ns) => namespaceOf(await ask((redis) => redis.hgetall(recordKey(ns))))
  const vacate = (ns: string) => script('moorageVacate', placeKeys, ns)
  const findAll = async (ids: string[]) => {
    const found = await inBatches(ids, find)
    return found.filter((one) => one !== undefined).sort((a, b) => a.opened - b.opened || (a.id < b.id ? -1 : 1))
  }

  async function removeEntries(ns: string): Promise<void> {
    const members = await script<string[][]>('moorageEmpty', [recordKey(ns), ...kinds.map((kind) => idsKey(ns, kind))])
    const entries = kinds.flatMap((kind, at) => [...new Set(members[at]!.map((member) => member.split('\n', 1)[0]!))].map((id) => ({ kind, id })))
    await inBatches(entries, ({ kind, id }) => index.remove(kind, id, ns))
  }

  return {
    find,
    open: opener(client),
    async namespaces(host) {
      if (host === undefined) return findAll(await ask((redis) => redis.zrange(keys.namespaces, '0', '-1')))
      const members = await ask((redis) => redis.zrangebylex(keys.on, `[${host}\n`, `(${host}\v`))
      return findAll(members.map((member) => member.slice(host.length + 1)))
    },
    async due(now) {
      const ids = await ask((redis) => redis.zrangebyscore(keys.namespaces, '-inf', String(now)))
      const looked = await inBatches(ids, async (ns) => {
        const namespace = await find(ns)
        if (namespace === undefined) return void await vacate(ns)
        if (namespace.state === 'closing' || dueAt(namespace) <= now) return namespace
        await ask((redis) => redis.zadd(keys.namespaces, 'XX', dueAt(namespace), ns))
      })
      return looked.filter((one) => one !== undefined)
    },
    async extend(ns, lease) {
      const due = await script<string>('moorageExtend', [recordKey(ns)], lease)
      if (due !== '') await ask((redis) => redis.zadd(keys.namespaces, 'XX', due, ns))
    },
    async close(ns) {
      const before = await script<string>('moorageClose', [recordKey(ns)])
      // Again when it was closing: whoever closed it may have died before it told the others.
      if (before !== '') await script('moorageTellClosing', [keys.namespaces, keys.closings], ns, closingsKept)
      return before === 'open'
    },
    async forget(ns) {
      await removeEntries(ns)
      await ask((redis) => redis.del(recordKey(ns), ...kinds.flatMap((kind) => [namesKey(ns, kind), idsKey(ns, kind)])))
      await vacate(ns)
    },
  }
}

function opener({ script, ask }: Client): Store['open'] {
  return async (namespace, place) => {
    const { id, host, domain, by } = namespace
    const outcome = await script<'opened' | 'full' | 'drained' | 'many' | 'used'>('mooragePlace', [...placeKeys, keys.hosts, keys.drained],
      id, host, domain === id ? '' : line(domain), ...amounts(place), graceOfPlaces, line(by), place?.most ?? '')
    if (outcome === 'full' || outcome === 'drained' || outcome === 'many') return outcome
    const created = outcome === 'used' ? 0 : await script('moorageOpen', [recordKey(id)], ...fieldsOf(namespace))
    if (created === 0) throw new Error(`namespace ${id} is already open`)
    await ask((redis) => redis.zadd(keys.namespaces, 'XX', namespace.state === 'closing' ? 0 : dueAt(namespace), id))
    return 'opened'
  }
}

function amounts(place: Place | undefined): (string | number)[] {
  if (place === undefined) return [0, 0, '', '']
  return [place.takes.memory, thousandths(place.takes.cpus), place.of.memory, thousandths(place.of.cpus)]
}

function dueAt({ expires, lease }: Namespace): number {
  return Math.min(expires, lease)
}

function fieldsOf({ id, host, policy, label, domain, by, opened, expires, lease, state }: Namespace): (string | number)[] {
  return Object.entries({ id, host, policy, label, domain, by, opened, expires, lease, state }).flat()
}

function namespaceOf(fields: Record<string, string>): Namespace | undefined {
  const { id, host, policy, label, domain, by, opened, expires, lease, state } = fields
  if (id === undefined) return undefined
  return {
    id, host: host!, policy: policy!, label: label!, domain: domain!, by: by ?? 'operator',
    opened: Number(opened), expires: Number(expires), lease: Number(lease), state: state === 'open' ? 'open' : 'closing',
  }
}

async function inBatches<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < all.length; at += atOnce) results.push(...await Promise.all(all.slice(at, at + atOnce).map(work)))
  return results
}
