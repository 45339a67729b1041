import type { DatabaseSync } from 'node:sqlite'
import { longerThanAny, type Farm, type HostRecord, type TokenRecord } from '../../../lib/farm.ts'
import { atomically } from '../sqlite-file.ts'

/** What gateways on one file share. */
export function farmVerbs(database: DatabaseSync, now: () => number): Farm {
  return { ...hostVerbs(database), ...sharedVerbs(database, now) }
}

type HostVerbs = Pick<Farm, 'hosts' | 'putHost' | 'drainHost' | 'removeHost' | 'loads' | 'homes'>

function hostVerbs(database: DatabaseSync): HostVerbs {
  const all = database.prepare('SELECT * FROM hosts ORDER BY name')
  const put = database.prepare('INSERT INTO hosts (name, record) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record')
  const drain = database.prepare('UPDATE hosts SET drained = ? WHERE name = ?')
  const inhabited = database.prepare('SELECT 1 FROM namespaces WHERE host = ? LIMIT 1')
  const remove = database.prepare('DELETE FROM hosts WHERE name = ?')
  const loads = database.prepare('SELECT host, count(*) AS namespaces, sum(memory) AS memory, sum(cpus) AS cpus FROM namespaces GROUP BY host')
  const homes = database.prepare('SELECT DISTINCT host FROM namespaces WHERE domain = ? AND domain <> id ORDER BY host')
  return {
    hosts: async () => all.all().map((row) => ({ ...JSON.parse(String(row['record'])) as HostRecord, drained: row['drained'] === 1 })),
    async putHost({ name, url, tls, memory, cpus }) {
      put.run(name, JSON.stringify({ name, url, tls, memory, cpus }))
    },
    drainHost: async (name, drained) => drain.run(drained ? 1 : 0, name).changes === 1,
    removeHost: async (name) => atomically(database, () => {
      if (inhabited.get(name)) return 'inhabited'
      return remove.run(name).changes === 1 ? 'removed' : 'unknown'
    }),
    loads: async () => new Map(loads.all().map((row) =>
      [String(row['host']), { namespaces: Number(row['namespaces']), memory: Number(row['memory']), cpus: Number(row['cpus']) / 1000 }])),
    homes: async (domain) => homes.all(domain).map((row) => String(row['host'])),
  }
}

/** Milliseconds for which what is spent is remembered beyond its time. */
const spentKept = 24 * 3_600_000

type SharedVerbs = Pick<Farm, 'now' | 'takeDuty' | 'leaveDuty' | 'closings' | 'spend' | 'unspend' | 'tokens' | 'addToken' | 'removeToken' | 'keep' | 'kept'>

function sharedVerbs(database: DatabaseSync, now: () => number): SharedVerbs {
  const take = database.prepare('INSERT INTO duties (duty, gateway, until) VALUES (:duty, :gateway, :until) ON CONFLICT (duty) '
    + 'DO UPDATE SET gateway = excluded.gateway, until = excluded.until WHERE gateway = excluded.gateway OR until <= :now OR until > :now + :longerThanAny')
  const leave = database.prepare('DELETE FROM duties WHERE duty = ? AND gateway = ?')
  const closings = database.prepare('SELECT ns, at FROM closings WHERE at >= ? ORDER BY at')
  const spend = database.prepare('INSERT INTO spent (what, until) VALUES (:what, :until) ON CONFLICT (what) DO UPDATE SET until = excluded.until WHERE until <= :now')
  const unspend = database.prepare('DELETE FROM spent WHERE what = ?')
  const forgetSpent = database.prepare('DELETE FROM spent WHERE until <= ?')
  const tokens = database.prepare('SELECT record FROM tokens ORDER BY name')
  const addToken = database.prepare('INSERT INTO tokens (name, record) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const removeToken = database.prepare('DELETE FROM tokens WHERE name = ?')
  const keep = database.prepare('INSERT INTO kept (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const kept = database.prepare('SELECT value FROM kept WHERE name = ?')
  const read = (name: string) => kept.get(name)?.['value'] as string | undefined
  return {
    now: async () => now(),
    takeDuty: async (duty, gateway, milliseconds) =>
      take.run({ duty, gateway, until: now() + milliseconds, now: now(), longerThanAny }).changes === 1,
    async leaveDuty(duty, gateway) {
      leave.run(duty, gateway)
    },
    closings: async (since) => closings.all(since).map((row) => ({ ns: String(row['ns']), at: Number(row['at']) })),
    spend: async (what, milliseconds) => atomically(database, () => {
      // Later than they end: a clock that was set forward by mistake must not make what is spent be spent again.
      forgetSpent.run(now() - spentKept)
      return spend.run({ what, until: now() + milliseconds, now: now() }).changes === 1
    }),
    async unspend(what) {
      unspend.run(what)
    },
    tokens: async () => tokens.all().map((row) => JSON.parse(String(row['record'])) as TokenRecord),
    addToken: async (token) => addToken.run(token.name, JSON.stringify(token)).changes === 1,
    removeToken: async (name) => removeToken.run(name).changes === 1,
    async keep(name, text) {
      keep.run(name, text)
      return read(name)!
    },
    kept: async (name) => read(name),
  }
}
