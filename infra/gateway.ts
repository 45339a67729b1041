import { randomBytes } from 'node:crypto'
import { createApp } from '../functions/index.ts'
import { mountControl } from '../functions/namespaces.ts'
import { mountOperations } from '../functions/operations.ts'
import type { Shortfall } from '../lib/admission.ts'
import type { House } from '../lib/pipeline.ts'
import { Refusal } from '../lib/refusal.ts'
import { loadAuthority } from './certificates.ts'
import { closer } from './closing.ts'
import type { Config } from './config.ts'
import { control } from './control.ts'
import { followFarm, joinFarm } from './farm.ts'
import { grpcDoor } from './grpc/door.ts'
import { attendHost, type Talk } from './hosts/attend.ts'
import { fitness } from './hosts/fitness.ts'
import { groupKeeper } from './hosts/group-keeper.ts'
import type { LiveHost } from './hosts/host.ts'
import { hostPool } from './hosts/pool.ts'
import { gatewayIdentity } from './identity.ts'
import { oidc } from './openers/oidc.ts'
import { recogniser } from './openers/recognise.ts'
import { leases } from './leases.ts'
import { houseClock, monotonic } from './clock.ts'
import { jobSockets } from './job-sockets.ts'
import { namespaceCache } from './namespace-cache.ts'
import { namespaceSockets } from './namespace-sockets.ts'
import { observers, type ObserverTalk } from './observe/observers.ts'
import { opener } from './opening.ts'
import { operations } from './operations.ts'
import { orphans } from './orphans.ts'
import { publishAddress, relayAddress } from './ports/reach.ts'
import { relays } from './ports/relays.ts'
import { sources } from './ports/sources.ts'
import { listening, serverNames } from './server/address.ts'
import type { Reach } from './server/connection.ts'
import { connections } from './server/connections.ts'
import { drain } from './server/drain.ts'
import { listenSocket, listenTls } from './server/listen.ts'
import { openState } from './state.ts'
import { openStore, type StoreTalk } from './stores/open.ts'
import { reservations } from './reservations.ts'
import { regularly, whenAnswering } from './tasks.ts'

/** A running gateway. */
export interface Gateway {
  /** e.g. `https://127.0.0.1:2376` */
  url: string
  /** Takes policies and OIDC issuers from the config as it is now, and opens log files anew. Everything else needs a start. */
  reload(next: Config): void
  /** Lets calls and streams finish, for as long as the config says, and ends. */
  stop(): Promise<void>
}

/** What the gateway tells its operator. */
export interface GatewayTalk extends Talk, StoreTalk, ObserverTalk {
  shortfalls(host: string, found: readonly Shortfall[]): void
  /** The clock that namespaces live by was set by so many milliseconds; 0: it is what it was before. */
  clockSet(by: number): void
}

/** Milliseconds between looks for namespaces whose time is over. */
const reapEvery = 5_000

/** Milliseconds between looks for control groups that belong to nobody. */
const sweepEvery = 300_000

/** Milliseconds between signs of life, and looks at what other gateways close, at hosts and at the clock. */
const [pulse, closingsEvery, hostsEvery, clockEvery] = [5_000, 1_000, 2_000, 2_000]

/** Milliseconds that a namespace has to be used again after the only gateway was away. */
const afterAway = 600_000

/** Every host of the pool is a live one. */
const clientOf: Reach['clientOf'] = (host) => (host as LiveHost).client

/**
 * Starts a gateway: state directory, store, hosts and listener. It listens as soon as its store answers, and answers 503 until its engines are there.
 * Throws when the state directory or the address is in use.
 */
export async function startGateway(config: Config, talk: GatewayTalk): Promise<Gateway> {
  const state = openState(config.state)
  const shared = await openStore(config.store, state, talk)
  await whenAnswering(() => joinFarm(state, shared))
  const authority = await loadAuthority(config.state)
  const gateway = gatewayIdentity(shared, config.store === undefined, authority.caPem)
  const reserved = reservations(shared, gateway.id, monotonic)
  const { store } = reserved
  await gateway.live()
  const clock = houseClock({
    ask: store.now, monotonic,
    onSet(by) {
      talk.clockSet(by)
      closing.listenAnew()
    },
    onBelieved: (now) => lease.spare(now),
  })
  await whenAnswering(clock.check)
  const callers = sources(store)
  const open = connections({
    seen: callers.seen,
    async limit(ns) {
      const namespace = await records.find(ns)
      if (namespace === undefined) return 0
      const { mode, limits } = policy(namespace.policy)
      return mode === 'observe' ? Infinity : limits.connections
    },
  })
  const draining = drain()
  const ports = relays({ store, alone: config.store === undefined, range: config.ports.range, address: await relayAddress(config.ports.address, config.listen.host), admit: callers.has })
  let current = config
  const policy = policies(() => current.policies)
  const onDefect = talk.defect
  const groups = groupKeeper({ mode: config.controlGroups, store, policy, secret: state.secret, onDefect })
  const records = namespaceCache(store, monotonic)
  const fit = fitness(config.admission, talk.shortfalls)
  const onStrangers = orphans(store, gateway.mark, config.orphanGrace * 1000, monotonic)
  const hosts = hostPool((record) => attendHost(record, {
    store, ports, groups, gateway, talk, onStrangers, isOver: async (claim) => claim.facts.by === gateway.id ? reserved.isOver(claim) : !await gateway.isAlive(claim.facts.by), sharedImages: config.images.shared,
    publishOn: (at) => publishAddress(at, config.ports.reach),
    probe: { every: config.probe.every * 1000, patience: config.probe.patience * 1000 },
    async onConnected(host) {
      closing.again()
      await fit.examine(host)
    },
  }))
  const observing = await observers(config, { store, hosts, connections: open.count }, talk)
  const lease = leases(store, records.find, policy, clock.now)
  const reach: Reach = { clientOf, grpc: grpcDoor(onDefect), spare: open.spare, rank: open.rank, spoke: open.spoke }
  const sockets = namespaceSockets(store, state, async (ns, path) => draining.watch(await listenSocket(app, reach, open, ns, path)), onDefect)
  const inside = jobSockets({
    directory: config.jobSockets, store, servedAt: sockets.at, onDefect,
    listen: async (ns, path) => draining.watch(await listenSocket(app, reach, { add: open.addInside }, ns, path, 0o666)),
  })
  const house: House = {
    store, policy,
    async namespace(id) {
      lease.used(id)
      const namespace = await records.find(id)
      if (namespace !== undefined) await farm.tried(namespace.host)
      return namespace
    },
    host: (namespace) => hosts.answering(namespace.host),
    shared: (host) => host.shared,
    ports, jobSockets: inside,
    now: clock.now,
    randomHex: () => randomBytes(32).toString('hex'),
    observe: observing.observe,
  }
  const closing = closer({
    store, hosts, gateway, onDefect, now: clock.now,
    onClosed: observing.recent.noteClosed,
    cut(ns) {
      records.drop(ns)
      sockets.end(ns)
      inside.end(ns)
      open.cut(ns)
      callers.forget(ns)
      for (const host of hosts.all()) host.hub.forget(ns)
    },
  })
  const farm = followFarm(store, hosts, state, config.hosts)
  const readers = () => oidc({ issuers: current.oidc, store })
  let tokens = readers()
  const recognise = recogniser({ operatorToken: state.operatorToken, store, oidc: { opener: (token) => tokens.opener(token) }, now: clock.now })
  const controls = control({
    store, hosts, policy, sockets, fitness: fit, farm, overcommit: config.overcommit, configured: config.hosts.map(({ name }) => name), recognise, closer: closing,
    open: opener({ store, authority, hosts, fitness: fit, admission: config.admission, overcommit: config.overcommit, mark: gateway.mark, policy, now: clock.now }),
  })
  const { metrics, recent } = observing
  const operating = operations({ store, hosts, policy, metrics, recent, authorised: async (token) => (await recognise(token))?.opener.operator ?? false, live: gateway.live, now: clock.now })
  const app = createApp(house, (routes) => {
    mountControl(controls, house)(routes)
    mountOperations(operating, house)(routes)
  })
  const server = draining.watch(listenTls(app, reach, open, { ca: authority.caPem, ...await authority.server(['localhost', '127.0.0.1', '::1', ...serverNames(config)]) }))
  await whenAnswering(farm.refresh)
  // While its only gateway was away nobody could use a namespace.
  if (gateway.alone) await lease.spare(clock.now(), afterAway)
  const url = await listening(server, config.listen)
  state.announce({ url, pid: process.pid })
  await sockets.resume()
  await inside.resume()
  const task = (what: string, every: number, work: () => Promise<void>) => regularly(every, work, (error) => onDefect(what, error))
  const tasks = [
    task('to learn what hosts there are', hostsEvery, farm.refresh),
    task('to look at the clock', clockEvery, clock.check),
    task('to say that it lives', pulse, gateway.live),
    task('to look for namespaces whose time is over', reapEvery, async () => {
      // A store that was away does not know of those that were used meanwhile.
      await lease.extend(open.namespaces())
      await closing.reap()
    }),
    task('to follow what other gateways close', closingsEvery, closing.follow),
    task('to extend leases', closingsEvery, () => lease.extend(open.namespaces())),
    task('to tend control groups', sweepEvery, async () => hosts.all().filter((host) => host.up()).forEach((host) => void groups.tend(host))),
  ]
  return {
    url,
    reload(next) {
      current = next
      tokens = readers()
      observing.reopen()
    },
    async stop() {
      reach.grpc.end()
      await draining.end(config.drain * 1000)
      sockets.stop()
      inside.stop()
      ports.stop()
      await Promise.all(tasks.map((task) => task.stop()))
      await hosts.stop()
      await gateway.leave().catch(() => {})
      await store.shutdown()
      observing.stop()
      state.release()
    },
  }
}

function policies(known: () => Config['policies']): House['policy'] {
  return (name) => {
    const policy = known()[name]
    if (policy === undefined) throw new Refusal(400, `no such policy: ${name}; this gateway has ${Object.keys(known()).join(', ')}`)
    return policy
  }
}
