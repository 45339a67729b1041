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
}

/**
 * Hosts of the config are entered into the store once, when it first answers, and then the store decides, so that every gateway learns of hosts
 * that are added, drained and removed. A store that was flushed gets back what this gateway knows.
 */
export function followFarm(store: Store, pool: HostPool, state: State, configured: readonly HostRecord[]): FarmFollower {
  let entered = false
  pool.set(configured.map((record) => ({ ...record, drained: false })))

  async function restore(records: readonly FarmHost[]): Promise<void> {
    for (const record of records) {
      await store.putHost(record)
      if (record.drained) await store.drainHost(record.name, true)
    }
    await store.keep(keptAs, JSON.stringify(read(state)))
  }
  return {
    async refresh() {
      if (await store.kept(keptAs) === undefined) await restore(pool.entries().map(({ record }) => record))
      if (!entered) for (const record of configured) await store.putHost(record)
      entered = true
      pool.set(await store.hosts())
    },
  }
}
