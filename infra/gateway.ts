import { createHmac, randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { createApp } from '../functions/index.ts'
import { mountControl } from '../functions/namespaces.ts'
import { mountOperations } from '../functions/operations.ts'
import type { House } from '../lib/pipeline.ts'
import { Refusal } from '../lib/refusal.ts'
import { loadAuthority } from './certificates.ts'
import { closer } from './closing.ts'
import type { Config } from './config.ts'
import { control } from './control.ts'
import { grpcDoor } from './grpc/door.ts'
import { attendHost, type Talk } from './hosts/attend.ts'
import { groupKeeper } from './hosts/group-keeper.ts'
import type { LiveHost } from './hosts/host.ts'
import { hostPool } from './hosts/pool.ts'
import { namespaceCache } from './namespace-cache.ts'
import { namespaceSockets } from './namespace-sockets.ts'
import { observers, type ObserverTalk } from './observe/observers.ts'
import { opener } from './opening.ts'
import { operations } from './operations.ts'
import { publishAddress } from './ports/reach.ts'
import { relays } from './ports/relays.ts'
import { sources } from './ports/sources.ts'
import { connections } from './server/connections.ts'
import type { Reach } from './server/connection.ts'
import { listenSocket, listenTls } from './server/listen.ts'
import { listening, serverNames } from './server/address.ts'
import { openState } from './state.ts'
import { openStore, type StoreTalk } from './stores/open.ts'

/** A running gateway. */
export interface Gateway {
  /** e.g. `https://127.0.0.1:2376` */
  url: string
  /** After a log rotation: opens files anew. */
  reload(): void
  stop(): Promise<void>
}

/** Milliseconds between looks for namespaces whose time is over. */
const reapEvery = 5_000

/** Milliseconds between looks for control groups that belong to nobody. */
const sweepEvery = 300_000

/** Every host of the pool is a live one. */
const clientOf: Reach['clientOf'] = (host) => (host as LiveHost).client

/**
 * Starts a gateway: state directory, store, hosts and listener. It listens at once and answers 503 until its engines are there.
 * Throws when the state directory or the address is in use.
 */
export async function startGateway(config: Config, talk: Talk & StoreTalk & ObserverTalk): Promise<Gateway> {
  const state = openState(config.state)
  const store = await openStore(config.store, state, talk)
  const authority = await loadAuthority(config.state)
  const callers = sources(store)
  const open = connections(callers.seen)
  const ports = relays({ store, range: config.ports.range, address: config.ports.address ?? (await lookup(config.listen.host)).address, admit: callers.has })
  const policy = policies(config)
  const groups = groupKeeper({ mode: config.controlGroups, store, policy, secret: state.secret })
  const hosts = hostPool(config.hosts, (host) => attendHost(host, {
    store, ports, groups, talk, sharedImages: config.images.shared, publishOn: publishAddress(host.url, config.ports.reach),
  }))
  const records = namespaceCache(store, Date.now)
  const observing = await observers(config, { store, hosts, connections: open.count }, talk)
  const house: House = {
    store, policy, namespace: records.find,
    host: (namespace) => hosts.get(namespace.host),
    shared: (host) => host.shared,
    ports,
    now: Date.now,
    randomHex: () => randomBytes(32).toString('hex'),
    seal: (text) => createHmac('sha256', state.secret).update(text).digest('hex'),
    observe: observing.observe,
  }
  const reach: Reach = { clientOf, grpc: grpcDoor() }
  const sockets = namespaceSockets(store, state, (ns, path) => listenSocket(app, reach, open, ns, path))
  const closing = closer({
    store, hosts,
    cut(ns) {
      records.drop(ns)
      sockets.end(ns)
      open.cut(ns)
      callers.forget(ns)
    },
  })
  const controls = control({
    store, hosts, policy, sockets, operatorToken: state.operatorToken, closer: closing, open: opener({ store, authority, hosts, policy }),
  })
  const { metrics, recent } = observing
  const operating = operations({ store, hosts, policy, metrics, recent, authorised: controls.authorised, now: Date.now })
  const app = createApp(house, (routes) => {
    mountControl(controls, house)(routes)
    mountOperations(operating, house)(routes)
  })
  const server = listenTls(app, reach, open, { ca: authority.caPem, ...await authority.server(['localhost', '127.0.0.1', '::1', ...serverNames(config)]) })
  const url = await listening(server, config.listen)
  state.announce({ url, pid: process.pid })
  await sockets.resume()
  const reaper = setInterval(() => void closing.reap().catch((error) => console.error(error)), reapEvery)
  const sweeper = setInterval(() => hosts.all().filter((host) => host.up()).forEach((host) => void groups.tend(host)), sweepEvery)
  return {
    url,
    reload: observing.reopen,
    async stop() {
      clearInterval(reaper)
      clearInterval(sweeper)
      sockets.stop()
      ports.stop()
      server.close()
      server.closeAllConnections()
      await hosts.stop()
      await store.shutdown()
      observing.stop()
      state.release()
    },
  }
}

function policies(config: Config): House['policy'] {
  return (name) => {
    const policy = config.policies[name]
    if (policy === undefined) throw new Refusal(400, `no such policy: ${name}; this gateway has ${Object.keys(config.policies).join(', ')}`)
    return policy
  }
}
