import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { at } from '../../lib/engine-path.ts'
import type { Announcement, Host, HostFacts } from '../../lib/engine.ts'
import type { EngineEvent } from '../../lib/events.ts'
import { splitLines } from '../../lib/lines.ts'
import { controlGroups, type GroupMode, type KeptGroups } from '../../lib/groups/groups.ts'
import { helper } from '../../lib/groups/helper.ts'
import type { GroupNames } from '../../lib/groups/names.ts'
import { Refusal } from '../../lib/refusal.ts'
import type { Turns } from '../../lib/turns.ts'
import { whyAway } from './away.ts'
import { buildkitOf } from './buildkit.ts'
import { engineClient, type EngineClient } from './client.ts'
import { engineAddress, type TlsMaterial } from './connect.ts'
import { eventHub, type EventHub } from './event-hub.ts'
import { execOwners } from './exec-owners.ts'
import { probe } from './facts.ts'
import { imageCache, refreshShared } from './images.ts'

/** A host with its life: probing, events, shared images. */
export interface LiveHost extends Host {
  readonly url: string
  readonly client: EngineClient
  readonly hub: EventHub
  readonly groups: KeptGroups
  /** True between a successful probe and a failed one or the loss of the event stream. */
  up(): boolean
  /** Why it is not up, in a word. */
  away(): string
  /** Resolves when the first attempt to connect has ended, well or not. */
  readonly tried: Promise<void>
  stop(): Promise<void>
}

export interface HostOptions {
  name: string
  url: string
  tls?: TlsMaterial
  /** Address of the host that published ports listen on; undefined when the gateway reaches none. */
  publishOn: string | undefined
  /** Turns of the store, in which those on this host are found by its name. */
  turns: Turns
  /** References the operator shares with every namespace. */
  sharedImages: readonly string[]
  groups: { mode: GroupMode; names(): Promise<GroupNames> }
  /** Hears of a defect of the gateway, in words that follow "failed". */
  onDefect(what: string, error: unknown): void
  /** Told, once for each reason, that namespaces are not limited as a whole on this host. */
  onUnlimited(reason: string): void
  /** Told at each connection which of the shared images the engine does not have; none when it has all. */
  onMissingImages(references: readonly string[]): void
  probe: Probing
  /** Called after each (re)connection, before the host counts as up again: what happened meanwhile must be found by looking. */
  onConnected(host: LiveHost): Promise<void>
  /** Called for every event of the engine with its owner, where known; rejects never. */
  onEvent(event: EngineEvent, ns: string | undefined): Promise<void>
  /** Answers for objects whose name does not tell; rejects never. */
  ownerOf(type: string, id: string): Promise<string | undefined>
  /** Called once for each stretch of time the engine is away. */
  onAway(reason: string): void
}

/** Milliseconds between real API calls, and those after which an unanswered one means that the engine hangs. */
export interface Probing {
  every: number
  patience: number
}

/** Connects to an engine and stays connected. */
export function liveHost(options: HostOptions): LiveHost {
  const client = engineClient(options.name, engineAddress(options.url, options.tls))
  const hub = eventHub(options.ownerOf)
  const images = imageCache(client)
  const execs = execOwners(client)
  const shared = new Map<string, string>()
  const stopping = new AbortController()
  let facts: HostFacts | undefined
  let connected = false
  let reason = 'not connected yet'
  const tried = Promise.withResolvers<void>()

  const host: LiveHost = {
    name: options.name, url: options.url, publishOn: options.publishOn, sharesFiles: options.url.startsWith('unix://'), client, hub, shared,
    facts: () => facts ?? raiseAway(options.name),
    call: client.call,
    stream: client.stream,
    image: images.facts,
    config: images.config,
    announce: (ns, event) => hub.publish(ns, stamped(event)),
    watch: async (ns, signal, since) => hub.watch(ns, signal, since),
    containerOfExec: execs.of,
    learnExec: execs.learn,
    ...buildkitOf(client, options.name, options.onDefect),
    exclusively: locks(),
    builds: new Map(),
    building: new Map(),
    inTurn: (key, work, signal) => options.turns.inTurn(`${options.name}/${key}`, work, signal),
    leftTurns: async () => (await options.turns.left()).filter((key) => key.startsWith(`${options.name}/`)).map((key) => key.slice(options.name.length + 1)),
    groups: keptGroups(options, client, () => host.facts()),
    up: () => connected,
    away: () => reason,
    tried: tried.promise,
    async stop() {
      stopping.abort()
      tried.resolve()
      await client.close()
    },
  }

  /** One connection, from its begin until the engine is away. */
  async function follow(): Promise<void> {
    const life = new AbortController()
    const end = () => life.abort(stopping.signal.reason)
    stopping.signal.addEventListener('abort', end)
    try {
      const answered = within(life)
      const events = await client.stream({ method: 'GET', path: at`/events` }, { signal: life.signal })
      facts = await probe(client, life.signal)
      answered()
      options.onMissingImages(await refreshShared(client, options.sharedImages, shared))
      void keepProbing(life)
      await options.onConnected(host)
      connected = true
      tried.resolve()
      for await (const line of splitLines(events.body)) await happened(line)
      throw new Error('the engine ended its event stream')
    } finally {
      stopping.signal.removeEventListener('abort', end)
      life.abort()
    }
  }

  /** Ends a connection whose engine does not answer in time, with the calls under way; call the answer when it did. */
  function within(life: AbortController): () => void {
    const timer = setTimeout(() => {
      life.abort(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }))
      client.abandon()
    }, options.probe.patience)
    return () => clearTimeout(timer)
  }

  async function happened(line: string): Promise<void> {
    const { event, ns } = await hub.accept(line)
    if (event.Type === 'image') await imageChanged(event)
    await options.onEvent(event, ns)
  }

  async function keepProbing(life: AbortController): Promise<void> {
    while (!life.signal.aborted) {
      await sleep(options.probe.every, undefined, { signal: life.signal, ref: false }).catch(() => {})
      const answered = within(life)
      // Whatever else is wrong with the engine, the event stream ends of it.
      facts = await probe(client, life.signal).catch(() => facts)
      answered()
    }
  }

  async function imageChanged(event: EngineEvent): Promise<void> {
    if (event.Action === 'delete') images.forget(event.Actor.ID)
    if (options.sharedImages.length > 0 && ['tag', 'untag', 'delete', 'pull', 'load', 'import'].includes(event.Action)) {
      await refreshShared(client, options.sharedImages, shared)
    }
  }

  async function stayConnected(): Promise<void> {
    let told = false
    while (!stopping.signal.aborted) {
      try {
        await follow()
      } catch (error) {
        if (stopping.signal.aborted) return
        reason = whyAway(error)
        tried.resolve()
        if (connected || !told) options.onAway(reason)
        told = true
        connected = false
        await sleep(500, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }
  void stayConnected()
  return host
}

/** Milliseconds a run of the helper may take. */
const helperPatience = 60_000

function keptGroups({ name, groups, onUnlimited }: HostOptions, client: EngineClient, facts: Host['facts']): KeptGroups {
  return controlGroups({
    host: { name, facts }, ...groups, onUnlimited, now: () => performance.now(),
    helper: helper({
      host: { call: client.call, stream: client.stream, facts },
      randomHex: () => randomBytes(32).toString('hex'),
      patience: () => AbortSignal.timeout(helperPatience), later: () => {},
    }),
  })
}

function raiseAway(name: string): never {
  throw new Refusal(503, `host ${name} has not answered yet; try again when the engine is up`)
}

/** The legacy fields and times that engines add to their events (Engine API, SystemEvents). */
function stamped(event: Announcement): EngineEvent {
  const now = Date.now()
  return {
    status: event.Action, ...(event.Actor.ID !== '' && { id: event.Actor.ID }), ...event, scope: 'local',
    time: Math.trunc(now / 1000), timeNano: JSON.rawJSON(`${now}000000`),
  }
}

function locks(): Host['exclusively'] {
  const tails = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const before = tails.get(key) ?? Promise.resolve()
    const mine = before.catch(() => {}).then(work)
    tails.set(key, mine)
    try {
      return await mine
    } finally {
      if (tails.get(key) === mine) tails.delete(key)
    }
  }
}
