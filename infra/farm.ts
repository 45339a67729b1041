import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { FarmHost, HostRecord } from '../lib/farm.ts'
import type { Store } from '../lib/store.ts'
import { loadAuthority } from './certificates.ts'
import { readIfThere, writePrivately } from './files.ts'
import type { HostPool } from './hosts/pool.ts'
import type { State } from './state.ts'

/** The files of a state directory that must be the same for all gateways of a farm. */
const shared = ['ca.pem', 'ca-key.pem', 'operator-token', 'secret'] as const

/** What the store keeps them as. */
const keptAs = 'authority'

type Secrets = Record<string, string>

/**
 * Makes authority, operator's token and secret the same on every gateway of a farm. They are kept in the store and, as files, in every state directory: the
 * first gateway makes them (or brings those its directory has), the others take them over. Throws when the directory has others already.
 */
export async function joinFarm(state: State, store: Store): Promise<void> {
  const kept = await store.kept(keptAs)
  if (kept === undefined && !existsSync(state.path('ca.pem'))) await loadAuthority(state.directory)
  const farms = kept === undefined ? await store.keep(keptAs, JSON.stringify(read(state))) : kept
  const secrets = JSON.parse(farms) as Secrets
  const mine = read(state)
  if (shared.every((name) => mine[name] === secrets[name])) return
  if (!state.fresh) {
    throw new Error(`the authority in ${state.directory} is not the one of the farm whose store this is; `
      + 'give this gateway a state directory of its own with --state, which it fills by itself, or another store')
  }
  for (const name of shared) writePrivately(state.path(name), secrets[name]!)
}

function read(state: State): Secrets {
  return Object.fromEntries(shared.map((name) => [name, readIfThere(state.path(name)) ?? '']))
}

/** Keeps the pool as the store has it. */
export interface FarmFollower {
  /** Looks at the store now. Rejects while it is away. */
  refresh(): Promise<void>
  /** Resolves when this gateway has tried to connect to a host, which it may have to learn of first: a namespace is used sooner than that. */
  tried(host: string): Promise<void>
}

/** The name under which the store keeps a text that is another one after it lost everything. */
const epochAs = 'epoch'

/**
 * Hosts of the config are entered into the store once, when it first answers, and then the store decides, so that every gateway learns of hosts
 * that are added, drained and removed. A store that lost everything gets back what each gateway knows.
 */
export function followFarm(store: Store, pool: HostPool, state: State, configured: readonly HostRecord[]): FarmFollower {
  let epoch: string | undefined
  pool.set(configured.map((record) => ({ ...record, drained: false })))

  async function enter(records: readonly (HostRecord | FarmHost)[]): Promise<void> {
    for (const record of records) {
      await store.putHost(record)
      if ('drained' in record && record.drained) await store.drainHost(record.name, true)
    }
  }

  async function restore(there: readonly FarmHost[]): Promise<void> {
    const names = new Set(there.map(({ name }) => name))
    await enter(pool.entries().map(({ record }) => record).filter(({ name }) => !names.has(name)))
    await store.keep(keptAs, JSON.stringify(read(state)))
  }

  async function refresh(): Promise<void> {
    // Before the epoch, so that a list which is empty because all was lost is never taken for the operator's will.
    const hosts = await store.hosts()
    const now = await store.keep(epochAs, randomUUID())
    if (epoch === undefined) await enter(configured)
    else if (epoch !== now) await restore(hosts)
    const isNews = epoch !== now
    epoch = now
    pool.set(isNews ? await store.hosts() : hosts)
  }

  return {
    refresh,
    async tried(host) {
      if (!pool.has(host)) await refresh()
      if (pool.has(host)) await pool.get(host).tried
    },
  }
}
