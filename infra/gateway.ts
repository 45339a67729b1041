import { randomBytes } from 'node:crypto'
import { createApp } from '../functions/index.ts'
import { mountControl } from '../functions/namespaces.ts'
import { mountOperations } from '../functions/operations.ts'
import type { House } from '../lib/pipeline.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Config } from './config.ts'
import { control } from './control.ts'
import { openListeners, type Listeners } from './listeners.ts'
import { observers, type Observers, type ObserverTalk } from './observe/observers.ts'
import { oidc } from './openers/oidc.ts'
import { recogniser } from './openers/recognise.ts'
import { opener } from './opening.ts'
import { operations } from './operations.ts'
import { openState } from './state.ts'
import { openUpstream, type Upstream, type UpstreamTalk } from './upstream.ts'

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
export interface GatewayTalk extends UpstreamTalk, ObserverTalk {}

/**
 * Starts a gateway: state directory, store, hosts and listeners. It listens as soon as its store answers, and answers 503 until its engines are there.
 * Throws when the state directory or the address is in use.
 */
export async function startGateway(config: Config, talk: GatewayTalk): Promise<Gateway> {
  const state = openState(config.state)
  let current = config
  const policy = policies(() => current.policies)
  const upstream: Upstream = await openUpstream({
    config, state, talk, policy,
    connected: () => listeners.connections.namespaces(),
    cut: (ns) => listeners.cut(ns),
    onClosed: (namespace) => observing.recent.noteClosed(namespace),
  })
  const { store, hosts, clock } = upstream
  const listeners: Listeners = openListeners({ config, state, upstream, policy, app: () => app, onDefect: talk.defect })
  const observing = await observers(config, { store, hosts, connections: listeners.connections.count }, talk)
  const readers = () => oidc({ issuers: current.oidc, store })
  let tokens = readers()
  const recognise = recogniser({ operatorToken: state.operatorToken, store, oidc: { opener: (token) => tokens.opener(token) }, now: clock.now })
  const house = houseOf({ upstream, listeners, policy, observe: observing.observe })
  const app = createApp(house, (routes) => {
    mountControl(controlOf({ config, upstream, listeners, policy, recognise }), house)(routes)
    const authorised = async (token: string) => (await recognise(token))?.opener.operator ?? false
    mountOperations(operations({ store, hosts, policy, authorised, metrics: observing.metrics, recent: observing.recent, live: upstream.gateway.live, now: clock.now }), house)(routes)
  })
  await upstream.begin()
  const url = await listeners.listen()
  state.announce({ url, pid: process.pid })
  await listeners.resume()
  upstream.attend()
  return {
    url,
    reload(next) {
      current = next
      tokens = readers()
      observing.reopen()
    },
    async stop() {
      await listeners.stop(config.drain * 1000)
      await upstream.stop()
      observing.stop()
      state.release()
    },
  }
}

interface Parts {
  upstream: Upstream
  listeners: Listeners
  policy: House['policy']
}

function houseOf({ upstream: { store, hosts, records, lease, farm, ports, clock }, listeners, policy, observe }: Parts & { observe: Observers['observe'] }): House {
  return {
    store, policy, ports, observe,
    async namespace(id) {
      lease.used(id)
      const namespace = await records.find(id)
      if (namespace !== undefined) await farm.tried(namespace.host)
      return namespace
    },
    host: (namespace) => hosts.answering(namespace.host),
    shared: (host) => host.shared,
    jobSockets: listeners.inside,
    now: clock.now,
    randomHex: () => randomBytes(32).toString('hex'),
  }
}

function controlOf({ config, upstream, listeners, policy, recognise }: Parts & { config: Config; recognise: ReturnType<typeof recogniser> }) {
  const { store, authority, gateway, hosts, fit, farm, closing, clock } = upstream
  const { admission, overcommit } = config
  return control({
    store, hosts, policy, farm, overcommit, recognise, fitness: fit, configured: config.hosts.map(({ name }) => name), sockets: listeners.beside, closer: closing,
    open: opener({ store, authority, hosts, fitness: fit, admission, overcommit, mark: gateway.mark, policy, now: clock.now }),
  })
}

function policies(known: () => Config['policies']): House['policy'] {
  return (name) => {
    const policy = known()[name]
    if (policy === undefined) throw new Refusal(400, `no such policy: ${name}; this gateway has ${Object.keys(known()).join(', ')}`)
    return policy
  }
}
