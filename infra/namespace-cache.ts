import type { Namespace, Store } from '../lib/store.ts'

/** Milliseconds a record may be old: a namespace closed by another gateway answers that much longer. */
const freshFor = 1_000
const kept = 10_000

/** Namespace records of a store, asked for at most once a second each. */
export interface NamespaceCache {
  find(ns: string): Promise<Namespace | undefined>
  /** Forgets a record at once, when it is changed here. */
  drop(ns: string): void
}

/** `now` must not jump. */
export function namespaceCache(store: Pick<Store, 'find'>, now: () => number): NamespaceCache {
  const records = new Map<string, { record: Promise<Namespace | undefined>; until: number }>()
  return {
    find(ns) {
      const known = records.get(ns)
      if (known && known.until > now()) return known.record
      if (records.size >= kept) records.clear()
      const record = store.find(ns)
      record.catch(() => records.delete(ns))
      records.set(ns, { record, until: now() + freshFor })
      return record
    },
    drop: (ns) => void records.delete(ns),
  }
}
