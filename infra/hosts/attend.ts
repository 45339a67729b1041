import type { EngineEvent } from '../../lib/events.ts'
import type { FarmHost } from '../../lib/farm.ts'
import { clearLeft } from '../../lib/images/real.ts'
import { reconcileImages } from '../../lib/images/reconcile.ts'
import { jobName } from '../../lib/names.ts'
import { reconcile } from '../../lib/reconcile.ts'
import type { Claim, Kind, Store } from '../../lib/store.ts'
import type { GatewayIdentity } from '../identity.ts'
import type { Relays } from '../ports/relays.ts'
import { turns } from '../turns.ts'
import type { GroupKeeper } from './group-keeper.ts'
import { liveHost, type LiveHost, type Probing } from './host.ts'

/** What the gateway tells its operator of hosts. */
export interface Talk {
  hostUp(name: string, url: string, engineVersion: string): void
  hostAway(name: string, url: string, reason: string): void
  /** Namespaces on this host are not limited as a whole. */
  hostUnlimited(name: string, reason: string): void
  /** Shared images that the host's engine does not have, at each connection; none when it has all. */
  imagesMissing(name: string, references: readonly string[]): void
  /** A defect of the gateway, in words that follow "failed". */
  defect(what: string, error: unknown): void
}

export interface Attending {
  store: Store
  ports: Relays
  groups: GroupKeeper
  /** Where published ports of an engine at this URL listen; undefined when the gateway would not reach them. */
  publishOn(url: string): string | undefined
  sharedImages: readonly string[]
  probe: Probing
  gateway: GatewayIdentity
  talk: Talk
  /** Is nobody creating what this reservation is for any more? */
  isOver(reservation: Claim): Promise<boolean>
  /** Told after each connection, when the host's facts are known. */
  onConnected(host: LiveHost): Promise<void>
  /** Told which namespaces objects on the host are named after that do not live there, each time all of them were looked at; true to look again soon. */
  onStrangers(host: LiveHost, strangers: ReadonlySet<string>): Promise<boolean>
}

/** Milliseconds for which one gateway has the duty of a host, between its looks at the duty, at everything on the host, and for groups that are nobody's. */
const [dutyLasts, dutyEvery, lookEvery, sweepEvery] = [15_000, 5_000, 60_000, 300_000]

/** Milliseconds to the next look when something there may have to go. */
const soon = 10_000

/**
 * Connects to a host and does what the house does about its life. Of all gateways one at a time has the duty: claims follow what the engine
 * destroys, what happened while nobody watched is found by looking, and control groups are tended. Relays of every gateway follow what the engine does.
 */
export function attendHost({ name, url, tls }: FarmHost, attending: Attending): LiveHost {
  const { store, ports, groups, sharedImages, probe, gateway, talk } = attending
  const duty = `host ${name}`
  const report = (error: unknown) => talk.defect(`to look at what is on host ${name}`, error)
  let onDuty = false
  let looked = -Infinity
  let tended = -Infinity
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    await reconcileImages(host, store)
    const strangers = await reconcile(host, store, attending)
    const isPending = await attending.onStrangers(host, strangers)
    looked = performance.now() - (isPending ? lookEvery - soon : 0)
  }

  /** What an event says of ownership. An object that nobody made is what a gateway asked for before it died: it is found by a look, soon. */
  async function followed(event: EngineEvent, ns: string): Promise<void> {
    await releaseDestroyed(store, event, ns)
    if (await isNobodys(store, event, ns)) looked = -Infinity
  }

  /** One look at a time. What the store or the engine fails is tried again at the next tick. */
  const lookOnce = () => looking ??= look().catch((error) => report(error)).finally(() => { looking = undefined })

  /** Nobody waits for it. */
  function tend(): void {
    tended = performance.now()
    void groups.tend(host)
  }

  async function tick(): Promise<void> {
    if (!host.up()) return
    const before = onDuty
    onDuty = await store.takeDuty(duty, gateway.id, dutyLasts).catch(() => false)
    if (!onDuty) return
    if (!before || performance.now() - tended > sweepEvery) tend()
    if (!before || performance.now() - looked > lookEvery) await lookOnce()
    else await clearLeft(host).catch((error) => report(error))
  }

  const host = liveHost({
    name, url, tls, sharedImages, probe, publishOn: attending.publishOn(url), turns: turns(store.turns), groups,
    onDefect: talk.defect,
    onUnlimited: (reason) => talk.hostUnlimited(name, reason),
    onMissingImages: (references) => talk.imagesMissing(name, references),
    async onConnected(connected) {
      onDuty = await store.takeDuty(duty, gateway.id, dutyLasts).catch(() => false)
      if (onDuty) await lookOnce()
      await ports.resume(connected)
      connected.groups.reset()
      if (onDuty) tend()
      await attending.onConnected(connected)
      talk.hostUp(name, url, connected.facts().engineVersion)
    },
    async onEvent(event, ns) {
      // What is missed while the store is away is found by the next look.
      if (onDuty && ns !== undefined) await followed(event, ns).catch(() => { looked = -Infinity })
      // Not waited for: other events must not wait for this container. What fails here is caught up with when the host is there again.
      if (ns !== undefined) void ports.changed(host, ns, event).catch(() => {})
    },
    onAway: (reason) => talk.hostAway(name, url, reason),
    ownerOf: async (kind, id) => (await store.owners(kind as Kind, id).catch(() => []))[0],
  })
  const timer = setInterval(() => void tick(), dutyEvery)
  return {
    ...host,
    async stop() {
      clearInterval(timer)
      await looking
      if (onDuty) await store.leaveDuty(duty, gateway.id).catch(() => {})
      await host.stop()
    },
  }
}

/** Is this an object of the namespace that has no claim and that no gateway is about to claim? */
async function isNobodys(store: Store, event: EngineEvent, ns: string): Promise<boolean> {
  const kind = event.Type as Kind
  if (event.Action !== 'create' || !(kind === 'container' || kind === 'network' || kind === 'volume')) return false
  const stored = kind === 'volume' ? event.Actor.ID : event.Actor.Attributes?.name ?? ''
  const reserved = await store.reservations(ns)
  // After the reservations: in this order a claim made meanwhile is seen in one of both.
  return !reserved.some((one) => one.kind === kind && one.name === jobName(ns, stored)) && await store.byId(ns, kind, event.Actor.ID) === undefined
}

/** Objects end on the engine by themselves (`--rm`, `rm -v`): their claims end with them. */
async function releaseDestroyed(store: Store, event: EngineEvent, ns: string): Promise<void> {
  if (event.Action !== 'destroy') return
  const kind = event.Type as Kind
  if (kind === 'container' || kind === 'network' || kind === 'volume') await store.releaseId(ns, kind, event.Actor.ID)
}
