import type { DatabaseSync } from 'node:sqlite'
import type { Farm, HostRecord } from '../../../lib/farm.ts'
import { atomically } from '../sqlite-file.ts'

/** What gateways on one file share. */
export function farmVerbs(database: DatabaseSync): Farm {
  return { ...hostVerbs(database), ...sharedVerbs(database) }
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

type SharedVerbs = Pick<Farm, 'takeDuty' | 'leaveDuty' | 'closings' | 'keep' | 'kept'>

function sharedVerbs(database: DatabaseSync): SharedVerbs {
  const take = database.prepare('INSERT INTO duties (duty, gateway, until) VALUES (:duty, :gateway, :until) ON CONFLICT (duty) '
    + 'DO UPDATE SET gateway = excluded.gateway, until = excluded.until WHERE gateway = excluded.gateway OR until <= :now')
  const leave = database.prepare('DELETE FROM duties WHERE duty = ? AND gateway = ?')
  const closings = database.prepare('SELECT ns, at FROM closings WHERE at >= ? ORDER BY at')
  const keep = database.prepare('INSERT INTO kept (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const kept = database.prepare('SELECT value FROM kept WHERE name = ?')
  const read = (name: string) => kept.get(name)?.['value'] as string | undefined
  return {
    takeDuty: async (duty, gateway, milliseconds) =>
      take.run({ duty, gateway, until: Date.now() + milliseconds, now: Date.now() }).changes === 1,
    async leaveDuty(duty, gateway) {
      leave.run(duty, gateway)
    },
    closings: async (since) => closings.all(since).map((row) => ({ ns: String(row['ns']), at: Number(row['at']) })),
    async keep(name, text) {
      keep.run(name, text)
      return read(name)!
    },
    kept: async (name) => read(name),
  }
}
