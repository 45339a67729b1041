import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { parseAnswer, stringify } from '../../lib/json.ts'
import type { Claim, Kind, Reservation, ReserveOutcome, Store } from '../../lib/store.ts'
import { farmVerbs } from './sqlite/farm.ts'
import { namespaceVerbs } from './sqlite/namespaces.ts'
import { sqliteTurns } from './sqlite/turns.ts'
import { atomically, openDatabase } from './sqlite-file.ts'

type Row = Record<string, SQLOutputValue>

/**
 * The embedded store: one file, nothing to install, survives restarts and kills.
 * Every verb is one statement or one write transaction, so several processes may share the file.
 * Throws when the file cannot be opened or was written by a newer version.
 */
export function openSqliteStore(path: string, now: () => number = Date.now): Store {
  const database = openDatabase(path)
  return {
    ...namespaceVerbs(database, now),
    ...farmVerbs(database, now),
    ...claimVerbs(database),
    ...lookups(database),
    turns: sqliteTurns(database, now),
    async shutdown() {
      if (database.isOpen) database.close()
    },
  }
}

type ClaimVerbs = Pick<Store, 'reserve' | 'claim' | 'rename' | 'release' | 'releaseId'>

function claimVerbs(database: DatabaseSync): ClaimVerbs {
  const reserve = reserver(database)
  const claim = database.prepare('INSERT INTO claims (ns, kind, name, id, facts, size) SELECT :ns, :kind, :name, :id, :facts, coalesce(:size, 0) '
    + "WHERE EXISTS (SELECT 1 FROM namespaces WHERE id = :ns AND state = 'open') "
    + "AND (:kind IN ('image', 'reference') OR NOT EXISTS (SELECT 1 FROM claims WHERE kind = :kind AND id = :id AND ns <> :ns)) "
    + 'ON CONFLICT (ns, kind, name) DO UPDATE SET id = excluded.id, facts = excluded.facts, size = coalesce(:size, size)')
  const exists = database.prepare('SELECT id FROM claims WHERE ns = ? AND kind = ? AND name = ?')
  const rename = database.prepare('UPDATE claims SET name = ? WHERE ns = ? AND kind = ? AND name = ?')
  const release = database.prepare('DELETE FROM claims WHERE ns = ? AND kind = ? AND name = ?')
  const releaseId = database.prepare('DELETE FROM claims WHERE ns = ? AND kind = ? AND id = ? RETURNING name')
  return {
    async reserve(reservation) {
      return atomically(database, () => reserve(reservation))
    },
    async claim({ ns, kind, name, id, facts, size }) {
      return claim.run({ ns, kind, name, id, facts: stringify(facts ?? {}), size: size ?? null }).changes === 1
    },
    async rename(ns, kind, from, to) {
      return atomically(database, () => {
        if (exists.get(ns, kind, from)?.['id'] == null) return 'missing'
        if (exists.get(ns, kind, to)) return 'taken'
        rename.run(to, ns, kind, from)
        return 'renamed'
      })
    },
    async release(ns, kind, name) {
      release.run(ns, kind, name)
    },
    async releaseId(ns, kind, id) {
      return releaseId.all(ns, kind, id).map((row) => String(row['name']))
    },
  }
}

/** Takes a name; must run inside a write transaction. */
function reserver(database: DatabaseSync): (reservation: Reservation) => ReserveOutcome {
  const open = database.prepare("SELECT 1 FROM namespaces WHERE id = ? AND state = 'open'")
  const existing = database.prepare('SELECT * FROM claims WHERE ns = ? AND kind = ? AND name = ?')
  const used = database.prepare('SELECT count(*) AS count, total(size) AS size FROM claims WHERE ns = ? AND kind = ?')
  const insert = database.prepare('INSERT INTO claims (ns, kind, name, facts, size) VALUES (?, ?, ?, ?, ?)')
  return ({ ns, kind, name, limit = Infinity, size = 0, room = Infinity, by }) => {
    if (!open.get(ns)) return { outcome: 'closed' }
    const taken = existing.get(ns, kind, name)
    if (taken) return { outcome: 'taken', claim: claimOf(taken) }
    const before = used.get(ns, kind)!
    if (Number(before['count']) >= limit) return { outcome: 'full', limit, of: 'count' }
    if (Number(before['size']) + size > room) return { outcome: 'full', limit: room, of: 'size' }
    insert.run(ns, kind, name, JSON.stringify({ by }), size)
    return { outcome: 'reserved' }
  }
}

type Lookups = Pick<Store, 'byName' | 'byId' | 'byIdPrefix' | 'claims' | 'reservations' | 'owners'>

function lookups(database: DatabaseSync): Lookups {
  const select = (where: string) => database.prepare(`SELECT * FROM claims WHERE ${where}`)
  const byName = select('ns = ? AND kind = ? AND name = ? AND id IS NOT NULL')
  const byId = select('ns = ? AND kind = ? AND id = ? ORDER BY seq LIMIT 1')
  // A range instead of LIKE: it uses the index and gives no character a meaning of its own.
  const byIdPrefix = select('ns = ? AND kind = ? AND id >= ? AND id < ? || char(0x10ffff) ORDER BY seq LIMIT 2')
  const claims = select('ns = ? AND kind = ? AND id IS NOT NULL ORDER BY seq')
  const reservations = select('ns = ? AND id IS NULL ORDER BY seq')
  const owners = database.prepare('SELECT DISTINCT ns FROM claims WHERE kind = ? AND id = ? ORDER BY ns')
  const one = (row: Row | undefined) => row && claimOf(row)
  return {
    byName: async (ns, kind, name) => one(byName.get(ns, kind, name)),
    byId: async (ns, kind, id) => one(byId.get(ns, kind, id)),
    byIdPrefix: async (ns, kind, prefix) => byIdPrefix.all(ns, kind, prefix, prefix).map(claimOf),
    claims: async (ns, kind) => claims.all(ns, kind).map(claimOf),
    reservations: async (ns) => reservations.all(ns).map(claimOf),
    owners: async (kind, id) => owners.all(kind, id).map((row) => String(row['ns'])),
  }
}

function claimOf(row: Row): Claim {
  return {
    ns: String(row['ns']),
    kind: row['kind'] as Kind,
    name: String(row['name']),
    id: row['id'] === null ? undefined : String(row['id']),
    facts: parseAnswer(String(row['facts'])),
  }
}
