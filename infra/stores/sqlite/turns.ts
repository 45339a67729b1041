import type { DatabaseSync } from 'node:sqlite'
import { longerThanAny } from '../../../lib/farm.ts'
import type { TurnStore } from '../../../lib/turns.ts'
import { atomically } from '../sqlite-file.ts'

/** Turns in the embedded store's file; the machine's clock is that of all who share it. */
export function sqliteTurns(database: DatabaseSync, now: () => number = Date.now): TurnStore {
  const find = database.prepare('SELECT holder, until, note FROM turns WHERE key = ?')
  const insert = database.prepare("INSERT INTO turns (key, holder, until, note) VALUES (:key, :holder, :until, '') "
    + 'ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, until = excluded.until')
  const keep = database.prepare('UPDATE turns SET until = :until, note = coalesce(:note, note) WHERE key = :key AND holder = :holder')
  const end = database.prepare('DELETE FROM turns WHERE key = ? AND holder = ?')
  const left = database.prepare('SELECT key FROM turns WHERE until <= :now OR until > :now + :longerThanAny ORDER BY key')
  return {
    async take({ key, holder, ms }) {
      return atomically(database, () => {
        const row = find.get(key)
        const isOther = row !== undefined && row['holder'] !== holder
        if (isOther && Number(row['until']) > now() && Number(row['until']) <= now() + longerThanAny) return { taken: false }
        insert.run({ key, holder, until: now() + ms })
        return { taken: true, ...(isOther && { left: String(row['note']) }) }
      })
    },
    async keep({ key, holder, ms, note }) {
      return keep.run({ key, holder, until: now() + ms, note: note ?? null }).changes === 1
    },
    async end(key, holder) {
      end.run(key, holder)
    },
    async left() {
      return left.all({ now: now(), longerThanAny }).map((row) => String(row['key']))
    },
  }
}
