import type { Shortfall } from '../lib/admission.ts'
import type { Policy } from '../lib/policy.ts'
import type { Namespace } from '../lib/store.ts'
import { loadAuthority } from './certificates.ts'
import { houseClock, monotonic } from './clock.ts'
import { closer } from './closing.ts'
import type { Config } from './config.ts'
import { followFarm, joinFarm } from './farm.ts'
import { attendHost, type Talk } from './hosts/attend.ts'
import { fitness } from './hosts/fitness.ts'
import { groupKeeper } from './hosts/group-keeper.ts'
import { hostPool } from './hosts/pool.ts'
import { gatewayIdentity } from './identity.ts'
import { leases } from './leases.ts'
import { namespaceCache } from './namespace-cache.ts'
import { orphans } from './orphans.ts'
import { publishAddress, relayAddress } from './ports/reach.ts'
import { relays } from './ports/relays.ts'
import { sources } from './ports/sources.ts'
import { reservations } from './reservations.ts'
import type { State } from './state.ts'
import { openStore, type StoreTalk } from './stores/open.ts'
import { regularly, whenAnswering, type Task } from './tasks.ts'

/** What the operator is told of it. */
export interface UpstreamTalk extends Talk, StoreTalk {
  shortfalls(host: string, found: readonly Shortfall[]): void
  /** The clock that namespaces live by was set by so many milliseconds; 0: it is what it was before. */
  clockSet(by: number): void
}

/** What it needs of the side that clients see. */
export interface UpstreamParts {
  config: Config
  state: State
  talk: UpstreamTalk
  /** The policy of a name. Throws `Refusal` 400 when there is none. */
  policy(name: string): Policy
  /** Namespaces with open connections, which are in use. */
  connected(): Iterable<string>
  /** Ends what is served of a namespace that closes. */
  cut(ns: string): void
  /** Hears of a namespace that is closed now. */
  onClosed(namespace: Namespace): void
}

/** Milliseconds between looks for namespaces whose time is over. */
const reapEvery = 5_000

/** Milliseconds between signs of life, and looks at what other gateways close, at hosts and at the clock. */
const [pulse, closingsEvery, hostsEvery, clockEvery] = [5_000, 1_000, 2_000, 2_000]

/** Milliseconds that a namespace has to be used again after the only gateway was away. */
const afterAway = 600_000

export type Upstream = Awaited<ReturnType<typeof openUpstream>>

/**
 * What a gateway has behind it: the store, the hosts and the life of the namespaces. Resolves as soon as the store answers. Throws when the
 * state directory belongs to another farm.
 */
export async function openUpstream({ config, state, talk, policy, connected, cut, onClosed }: UpstreamParts) {
  const shared = await openStore(config.store, state, talk)
  await whenAnswering(() => joinFarm(state, shared))
  const authority = await loadAuthority(config.state)
  const gateway = gatewayIdentity(shared, config.store === undefined, authority.caPem)
  const reserved = reservations(shared, gateway.id, monotonic)
  const { store } = reserved
  await gateway.live()
  const records = namespaceCache(store, monotonic)
  const clock = houseClock({
    ask: store.now, monotonic,
    onSet(by) {
      talk.clockSet(by)
      closing.listenAnew()
    },
    onBelieved: (now) => lease.spare(now),
  })
  const lease = leases(store, records.find, policy, clock.now)
  await whenAnswering(clock.check)
  const callers = sources(store)
  const ports = relays({ store, alone: config.store === undefined, range: config.ports.range, address: await relayAddress(config.ports.address, config.listen.host), admit: callers.has })
  const groups = groupKeeper({ mode: config.controlGroups, store, policy, secret: state.secret, onDefect: talk.defect })
  const fit = fitness(config.admission, talk.shortfalls)
  const onStrangers = orphans(store, gateway.mark, config.orphanGrace * 1000, monotonic)
  const hosts = hostPool((record) => attendHost(record, {
    store, ports, groups, gateway, talk, sharedImages: config.images.shared,
    publishOn: (url) => publishAddress(url, config.ports.reach),
    probe: { every: config.probe.every * 1000, patience: config.probe.patience * 1000 },
    isOver: async (claim) => claim.facts.by === gateway.id ? reserved.isOver(claim) : !await gateway.isAlive(claim.facts.by),
    onStrangers,
    async onConnected(host) {
      closing.again()
      await fit.examine(host)
    },
  }))
  const closing = closer({
    store, hosts, gateway, onDefect: talk.defect, now: clock.now, onClosed,
    cut(ns) {
      records.drop(ns)
      cut(ns)
      callers.forget(ns)
      for (const host of hosts.all()) host.hub.forget(ns)
    },
  })
  const farm = followFarm(store, hosts, state, config.hosts)
  const task = (what: string, every: number, work: () => Promise<void>) => regularly(every, work, (error) => talk.defect(what, error))
  const tasks: Task[] = []
  return {
    store, authority, gateway, records, clock, lease, callers, ports, fit, hosts, closing, farm,
    /** Learns from the store what hosts there are. While its only gateway was away nobody could use a namespace, which gives them time. */
    async begin(): Promise<void> {
      await whenAnswering(farm.refresh)
      if (gateway.alone) await lease.spare(clock.now(), afterAway)
    },
    /** Takes up what is done again and again. */
    attend(): void {
      tasks.push(
        task('to learn what hosts there are', hostsEvery, farm.refresh),
        task('to look at the clock', clockEvery, clock.check),
        task('to say that it lives', pulse, gateway.live),
        task('to look for namespaces whose time is over', reapEvery, async () => {
          // A store that was away does not know of those that were used meanwhile.
          await lease.extend(connected())
          await closing.reap()
        }),
        task('to follow what other gateways close', closingsEvery, closing.follow),
        task('to extend leases', closingsEvery, () => lease.extend(connected())),
      )
    },
    async stop(): Promise<void> {
      ports.stop()
      await Promise.all(tasks.map((one) => one.stop()))
      await hosts.stop()
      await gateway.leave().catch(() => {})
      await store.shutdown()
    },
  }
}
