import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApp } from '../functions/index.ts'
import { mountControl } from '../functions/namespaces.ts'
import type { EngineEvent } from '../lib/events.ts'
import type { House } from '../lib/pipeline.ts'
import { reconcile } from '../lib/reconcile.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Kind, Store } from '../lib/store.ts'
import { loadAuthority } from './certificates.ts'
import type { Config } from './config.ts'
import { control } from './control.ts'
import { liveHost, type LiveHost } from './hosts/host.ts'
import { namespaceCache } from './namespace-cache.ts'
import { connections } from './server/connections.ts'
import { listenSocket, listenTls } from './server/listen.ts'
import { openState } from './state.ts'
import { openSqliteStore } from './stores/sqlite.ts'

/** A running gateway. */
export interface Gateway {
  /** e.g. `https://127.0.0.1:2376` */
  url: string
  /** Resolves to the engine's version when it first answers. */
  ready: Promise<string>
  stop(): Promise<void>
}

/** What the gateway tells its operator while it runs. */
export interface Talk {
  hostUp(name: string, url: string, engineVersion: string): void
  hostAway(name: string, url: string, reason: string): void
}

/** The one host of the embedded default. */
const hostName = 'engine'

/** Milliseconds between looks for namespaces whose time is over. */
const reapEvery = 5_000

/**
 * Starts a gateway: state directory, store, host and listener. It listens at once and answers 503 until the engine is there.
 * Throws when the state directory or the address is in use.
 */
export async function startGateway(config: Config, talk: Talk): Promise<Gateway> {
  const state = openState(config.state)
  const store = openSqliteStore(state.path('store.sqlite'))
  const authority = await loadAuthority(config.state)
  const open = connections()
  const host = connectHost(config, store, talk)
  const policy = policies(config)
  const records = namespaceCache(store, Date.now)
  const house: House = {
    store, policy, namespace: records.find,
    host: (namespace) => namespace.host === host.name ? host : raise(new Refusal(503, `host ${namespace.host} is not in this gateway's pool`)),
    shared: () => host.shared,
    now: Date.now,
    randomHex: () => randomBytes(32).toString('hex'),
  }
  const clientOf = () => host.client
  const namespaces = control({ store, state, authority, host, open, policy, changed: records.drop, listen: (ns, path) => listenSocket(app, clientOf, open, ns, path) })
  const app = createApp(house, mountControl(namespaces))
  const server = listenTls(app, clientOf, open, { ca: authority.caPem, ...await authority.server(['localhost', '127.0.0.1', '::1', ...serverNames(config)]) })
  const url = await listening(server, config)
  state.announce({ url, pid: process.pid })
  await namespaces.resume()
  const reaper = setInterval(() => void namespaces.reap().catch((error) => console.error(error)), reapEvery)
  return {
    url,
    ready: host.ready.then((facts) => facts.engineVersion),
    async stop() {
      clearInterval(reaper)
      namespaces.stop()
      server.close()
      server.closeAllConnections()
      await host.stop()
      await store.shutdown()
      state.release()
    },
  }
}

function raise(refusal: Refusal): never {
  throw refusal
}

function policies(config: Config): House['policy'] {
  return (name) => config.policies[name] ?? raise(new Refusal(400, `no such policy: ${name}; this gateway has ${Object.keys(config.policies).join(', ')}`))
}

function serverNames({ listen, names }: Config): string[] {
  const wildcard = ['0.0.0.0', '::', ''].includes(listen.host)
  return [...new Set([...(wildcard ? [] : [listen.host]), ...names])]
}

async function listening(server: Server, { listen }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const name = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '[::1]' : listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `https://${name}:${port}`
}

/** The host with what the house does about its events: claims follow what the engine destroys. */
function connectHost(config: Config, store: Store, talk: Talk): LiveHost {
  let first = true
  const host = liveHost({
    name: hostName, url: config.host, tls: config.hostTls, sharedImages: config.images.shared,
    async onConnected(connected) {
      await reconcile(connected, store, first)
      talk.hostUp(connected.name, connected.url, connected.facts().engineVersion)
      if (!first) void settleLater(connected, store)
      first = false
    },
    onEvent: (event) => releaseDestroyed(store, event),
    onAway: (reason) => talk.hostAway(hostName, config.host, reason),
    async ownerOf(kind, id) {
      return (await store.owners(kind as Kind, id))[0]
    },
  })
  return host
}

/** After an outage, names reserved before it are settled once the calls that held them have failed. */
async function settleLater(host: LiveHost, store: Store): Promise<void> {
  await sleep(3_000, undefined, { ref: false })
  await reconcile(host, store, false).catch((error) => console.error(error))
}

/** Objects end on the engine by themselves (`--rm`, `rm -v`): their claims end with them. */
async function releaseDestroyed(store: Store, event: EngineEvent): Promise<void> {
  if (event.Action !== 'destroy') return
  const kind = event.Type as Kind
  if (kind !== 'container' && kind !== 'network' && kind !== 'volume') return
  for (const ns of await store.owners(kind, event.Actor.ID)) await store.releaseId(ns, kind, event.Actor.ID)
}
