import type { HostFacts } from '../../lib/engine.ts'
import type { FarmHost } from '../../lib/farm.ts'
import { controlGroups, type GroupMode, type KeptGroups } from '../../lib/groups/groups.ts'
import { helper } from '../../lib/groups/helper.ts'
import type { GroupNames } from '../../lib/groups/names.ts'
import type { Store } from '../../lib/store.ts'
import type { Turns } from '../../lib/turns.ts'
import { probe } from '../hosts/facts.ts'
import { execOwners } from '../hosts/exec-owners.ts'
import { imageCache, refreshShared } from '../hosts/images.ts'
import type { Member } from '../hosts/pool.ts'
import { notHere } from './connection.ts'
import type { FetchEngine } from './engine.ts'
import { eventsOf } from './events.ts'

/** What an isolate remembers of a host from one request to the next: data only, as nothing that waits may outlive its request. */
export interface Remembered {
  facts: HostFacts
  shared: Map<string, string>
  /** Groups that were made, with the text of their limits, and their parents. */
  groups: Map<string, string | undefined>
  until: number
}

export interface WorkerHostParts {
  record: FarmHost
  engine: FetchEngine
  sharedImages: readonly string[]
  store: Pick<Store, 'owners'>
  turns: Turns
  groups: { mode: GroupMode; names(): Promise<GroupNames> }
  remembered: Map<string, Remembered>
  /** Lets work go on when the request has been answered. */
  later(work: Promise<unknown>): void
}

/** A host of one request. */
export interface WorkerHost extends Member {
  /** Asks the engine what it is, unless that was done a short while ago. Throws nothing: `up` tells. */
  reach(): Promise<void>
}

/** Milliseconds for which facts of a host are used, and which one may take to tell them. */
const [factsLast, patience] = [30_000, 10_000]
const helperPatience = 60_000

export function workerHost({ record, engine, sharedImages, store, turns, groups, remembered, later }: WorkerHostParts): WorkerHost {
  const { name, url } = record
  const key = `${name} ${url}`
  const images = imageCache(engine)
  const execs = execOwners(engine)
  let reason = 'not asked yet'
  const known = () => {
    const found = remembered.get(key)
    return found && found.until > Date.now() ? found : undefined
  }
  const facts = () => (known() ?? remembered.get(key))!.facts

  async function look(): Promise<Remembered> {
    const bounded: FetchEngine = { ...engine, call: (request) => engine.call(request, AbortSignal.timeout(patience)) }
    const shared = new Map<string, string>()
    const told = await probe(bounded)
    await refreshShared(bounded, sharedImages, shared)
    return { facts: told, shared, groups: new Map(), until: Date.now() + factsLast }
  }

  const kept = controlGroups({
    host: { name, facts }, ...groups, now: Date.now, onUnlimited: (why) => console.warn(`Namespaces on host ${name} are not limited as a whole: ${why}`),
    helper: helper({ host: { call: engine.call, stream: engine.stream, facts }, randomHex, patience: () => AbortSignal.timeout(helperPatience), later }),
  })

  return {
    name, facts, call: engine.call, stream: engine.stream, image: images.facts, config: images.config,
    publishOn: undefined, sharesFiles: false,
    get shared() { return known()?.shared ?? new Map<string, string>() },
    up: () => known() !== undefined,
    away: () => reason,
    async reach() {
      if (known()) return
      try {
        remembered.set(key, await look())
      } catch (error) {
        reason = (error as Error).message
      }
    },
    // Watchers of other gateways see what the engine tells of it.
    announce: () => {},
    watch: eventsOf({ engine, store }),
    containerOfExec: execs.of, learnExec: execs.learn,
    channel: async () => { throw notHere('BuildKit') },
    session: async () => { throw notHere('BuildKit') },
    builds: new Map(),
    building: new Map(),
    exclusively: (_key, work) => work(),
    inTurn: (turn, work, signal) => turns.inTurn(`${name}/${turn}`, work, signal),
    leftTurns: async () => (await turns.left()).filter((turn) => turn.startsWith(`${name}/`)).map((turn) => turn.slice(name.length + 1)),
    groups: rememberedGroups(kept, () => known()?.groups, later),
  }
}

/** Groups that the isolate knows to be there are not made again by the next request. */
function rememberedGroups(kept: KeptGroups, known: () => Map<string, string | undefined> | undefined, later: WorkerHostParts['later']): KeptGroups {
  const containers: KeptGroups['containers'] = async (namespace, policy) => {
    const key = `${namespace.id} ${JSON.stringify(policy.limits)}`
    if (known()?.has(key)) return known()!.get(key)
    const parent = await kept.containers(namespace, policy)
    known()?.set(key, parent)
    return parent
  }
  return {
    ...kept, containers,
    prepare: (namespace, policy) => later(containers(namespace, policy).catch(() => {})),
    // The farm's other gateways sweep.
    gone: () => {},
  }
}

/** 64 random hex digits. */
export function randomHex(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
