import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { closingsKept, thousandths } from '../../../lib/farm.ts'
import type { Namespace, Place, Store } from '../../../lib/store.ts'
import { atomically } from '../sqlite-file.ts'

type NamespaceVerbs = Pick<Store, 'open' | 'find' | 'namespaces' | 'due' | 'extend' | 'close' | 'forget'>

/** Namespaces and what they reserve on their hosts. */
export function namespaceVerbs(database: DatabaseSync, now: () => number): NamespaceVerbs {
  const open = opener(database)
  const find = database.prepare('SELECT * FROM namespaces WHERE id = ?')
  const all = database.prepare('SELECT * FROM namespaces ORDER BY opened, id')
  const ofHost = database.prepare('SELECT * FROM namespaces WHERE host = ? ORDER BY opened, id')
  const due = database.prepare("SELECT * FROM namespaces WHERE state = 'closing' OR lease <= :now OR expires <= :now ORDER BY opened, id")
  const extend = database.prepare('UPDATE namespaces SET lease = ? WHERE id = ? AND lease < ?')
  const removeClaims = database.prepare('DELETE FROM claims WHERE ns = ?')
  const remove = database.prepare('DELETE FROM namespaces WHERE id = ?')
  return {
    open: async (namespace, place) => atomically(database, () => open(namespace, place)),
    close: closer(database, now),
    async find(ns) {
      const row = find.get(ns)
      return row && namespaceOf(row)
    },
    namespaces: async (host) => (host === undefined ? all.all() : ofHost.all(host)).map(namespaceOf),
    due: async (now) => due.all({ now }).map(namespaceOf),
    async extend(ns, lease) {
      extend.run(lease, ns, lease)
    },
    async forget(ns) {
      atomically(database, () => {
        removeClaims.run(ns)
        remove.run(ns)
      })
    },
  }
}

/** Must run inside a write transaction. */
function opener(database: DatabaseSync): (namespace: Namespace, place?: Place) => 'opened' | 'full' | 'drained' | 'many' {
  const taken = database.prepare('SELECT coalesce(sum(memory), 0) AS memory, coalesce(sum(cpus), 0) AS cpus FROM namespaces WHERE host = ?')
  const takes = database.prepare('SELECT 1 FROM hosts WHERE name = ? AND drained = 0')
  const openers = database.prepare('SELECT count(*) AS count FROM namespaces WHERE opener = ?')
  const insert = database.prepare('INSERT INTO namespaces (id, host, policy, label, domain, opener, opened, expires, lease, state, memory, cpus) '
    + 'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  return ({ id, host, policy, label, domain, by, opened, expires, lease, state }, place) => {
    const [memory, cpus] = [place?.takes.memory ?? 0, thousandths(place?.takes.cpus ?? 0)]
    if (place) {
      if (place.most !== undefined && Number(openers.get(by)!['count']) >= place.most) return 'many'
      const before = taken.get(host)!
      if (!takes.get(host)) return 'drained'
      if (Number(before['memory']) + memory > place.of.memory || Number(before['cpus']) + cpus > thousandths(place.of.cpus)) return 'full'
    }
    const { changes } = insert.run(id, host, policy, label, domain, by, opened, expires, lease, state, memory, cpus)
    if (changes === 0) throw new Error(`namespace ${id} is already open`)
    return 'opened'
  }
}

function closer(database: DatabaseSync, now: () => number): Store['close'] {
  const close = database.prepare("UPDATE namespaces SET state = 'closing' WHERE id = ? AND state = 'open'")
  const tell = database.prepare('INSERT INTO closings (ns, at) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const trim = database.prepare('DELETE FROM closings WHERE at < ?')
  return async (ns) => atomically(database, () => {
    if (close.run(ns).changes === 0) return false
    tell.run(ns, now())
    trim.run(now() - closingsKept)
    return true
  })
}

function namespaceOf(row: Record<string, SQLOutputValue>): Namespace {
  return {
    id: String(row['id']),
    host: String(row['host']),
    policy: String(row['policy']),
    label: String(row['label']),
    domain: String(row['domain']),
    by: String(row['opener']),
    opened: Number(row['opened']),
    expires: Number(row['expires']),
    lease: Number(row['lease']),
    state: row['state'] === 'open' ? 'open' : 'closing',
  }
}
