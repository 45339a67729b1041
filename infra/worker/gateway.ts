import type { Cluster, Redis } from 'ioredis'
import { createApp } from '../../functions/index.ts'
import { mountControl } from '../../functions/namespaces.ts'
import type { Admission } from '../../lib/admission.ts'
import type { Host } from '../../lib/engine.ts'
import { groupNames } from '../../lib/groups/names.ts'
import type { House } from '../../lib/pipeline.ts'
import type { Namespace } from '../../lib/store.ts'
import { closer, type Closer } from '../closing.ts'
import { control } from '../control.ts'
import { hostsOf } from '../hosts/pool.ts'
import { gatewayIdentity } from '../identity.ts'
import { leaseEnd } from '../leases.ts'
import { oidc } from '../openers/oidc.ts'
import { recogniser } from '../openers/recognise.ts'
import { opener } from '../opening.ts'
import { openRedisStore } from '../stores/redis.ts'
import { turns } from '../turns.ts'
import { farmAuthority } from './authority.ts'
import { callerOf } from './caller.ts'
import { notHere, workerConnection } from './connection.ts'
import { fetchEngine, type FetchEngine } from './engine.ts'
import { randomHex, workerHost, type Remembered, type WorkerHost } from './host.ts'
import type { Settings } from './settings.ts'
import { staying } from './staying.ts'

/** A gateway for one request: a Worker has no life between requests, and none of its connections may outlive one. */
export interface RequestGateway {
  /** `over` aborts when the answer has ended. */
  fetch(request: Request, over: AbortSignal): Promise<Response>
  closer: Closer
}

/** What hosts lack is looked at by the farm's other gateways. */
const admission: Admission = { version: 'warn', icc: 'warn', entitlements: 'warn', pools: 'warn' }

/** `remembered` is the isolate's; `later` lets work go on when the request has been answered. Throws `Refusal` 503 without a store or a farm. */
export async function requestGateway(settings: Settings, redis: Redis | Cluster, remembered: Map<string, Remembered>, later: (work: Promise<unknown>) => void): Promise<RequestGateway> {
  const shared = openRedisStore(redis)
  const [authority, records] = [await farmAuthority(shared), await shared.hosts()]
  const gateway = gatewayIdentity(shared, false, authority.caPem)
  const store = { ...shared, reserve: (reservation: Parameters<typeof shared.reserve>[0]) => shared.reserve({ by: gateway.id, ...reservation }) }
  const names = groupNames(authority.secret)
  const engines = new Map<string, FetchEngine>(records.map((record) => [record.name, fetchEngine(record, settings.ENGINES)]))
  const members = new Map(records.map((record) => [record.name, {
    record,
    live: workerHost({
      record, engine: engines.get(record.name)!, sharedImages: settings.sharedImages, store, turns: turns(store.turns), remembered, later,
      groups: { mode: settings.CONTROL_GROUPS, names: () => names },
    }),
  }]))
  const hosts = hostsOf<WorkerHost>(members)
  const reachAll = async () => void await Promise.all(hosts.all().map((host) => host.reach()))

  const use = ({ id, expires, policy }: Namespace) => store.extend(id, leaseEnd(expires, settings.policy(policy).idle * 1000, Date.now()))
  const used = async (id: string) => {
    const namespace = await store.find(id)
    if (namespace?.state === 'open') await use(namespace)
    return namespace
  }

  const house: House = {
    store, policy: settings.policy,
    async namespace(id) {
      const namespace = await store.find(id)
      if (namespace?.state !== 'open') return namespace
      await members.get(namespace.host)?.live.reach()
      await gateway.live()
      later(use(namespace).catch(() => {}))
      return namespace
    },
    host: (namespace) => hosts.answering(namespace.host),
    shared: (host) => host.shared,
    ports: { take: async () => {}, refresh: async () => {}, dialled: () => [] },
    jobSockets: { isOwn: () => false, path: async () => undefined },
    now: Date.now, randomHex,
    observe({ endpoint, failure }) {
      if (failure !== undefined) console.error(`The gateway failed to handle ${endpoint}`, failure)
    },
  }
  const closing = closer({ store, hosts, gateway, cut: () => {}, onClosed: () => {}, now: Date.now, onDefect: (what, error) => console.error(`The gateway failed ${what}`, error) })
  const controls = control({
    store, hosts, policy: settings.policy, fitness: { of: () => [] }, overcommit: settings.OVERCOMMIT, farm: { refresh: reachAll }, configured: [],
    recognise: recogniser({ operatorToken: authority.operatorToken, store, oidc: oidc({ issuers: settings.OIDC, store }), now: Date.now }),
    sockets: { begin: async () => { throw notHere('a unix socket') } },
    closer: { ...closing, close: async (id) => {
      await reachAll()
      return closing.close(id)
    } },
    async open(wish, by, use) {
      await reachAll()
      return opener({ store, authority, hosts, fitness: { of: () => [] }, admission, overcommit: settings.OVERCOMMIT, mark: gateway.mark, policy: settings.policy, now: Date.now })(wish, by, use)
    },
  })
  const app = createApp(house, mountControl(controls, house))
  return {
    closer: {
      ...closing,
      async reap() {
        await reachAll()
        await closing.reap()
      },
    },
    async fetch(request, over) {
      const { pathname, search } = new URL(request.url)
      const namespace = callerOf(request, { subject: authority.subject, secret: settings.PROXY_SECRET })
      const stay = namespace === undefined ? undefined : staying(() => used(namespace))
      over.addEventListener('abort', () => stay?.end())
      const signal = stay ? AbortSignal.any([request.signal, stay.signal]) : request.signal
      return app.fetch(request, { target: pathname + search, namespace, connection: workerConnection(request, signal, (host: Host) => engines.get(host.name)!) })
    },
  }
}
