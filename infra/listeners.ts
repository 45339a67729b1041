import type { House } from '../lib/pipeline.ts'
import type { Config } from './config.ts'
import { grpcDoor } from './grpc/door.ts'
import type { OnDefect } from './grpc/serve.ts'
import type { LiveHost } from './hosts/host.ts'
import { jobSockets } from './job-sockets.ts'
import { namespaceSockets } from './namespace-sockets.ts'
import { listening, serverNames } from './server/address.ts'
import type { Reach } from './server/connection.ts'
import { connections } from './server/connections.ts'
import { drain } from './server/drain.ts'
import { listenSocket, listenTls, type App } from './server/listen.ts'
import type { State } from './state.ts'
import type { Upstream } from './upstream.ts'

export interface ListenersParts {
  config: Config
  state: State
  upstream: Upstream
  policy: House['policy']
  /** What every request is handed to. */
  app(): App
  onDefect: OnDefect
}

export type Listeners = ReturnType<typeof openListeners>

/** Every host of the pool is a live one. */
const clientOf: Reach['clientOf'] = (host) => (host as LiveHost).client

/** What a gateway has in front: the TLS port, the sockets beside jobs and inside their containers, and the connections that came in on them. */
export function openListeners({ config, state, upstream: { store, authority, callers, records }, policy, app, onDefect }: ListenersParts) {
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
  const grpc = grpcDoor(onDefect)
  const reach: Reach = { clientOf, grpc, spare: open.spare, rank: open.rank, spoke: open.spoke }
  const beside = namespaceSockets(store, state, async (ns, path) => draining.watch(await listenSocket(app(), reach, open, ns, path)), onDefect)
  const inside = jobSockets({
    directory: config.jobSockets, store, servedAt: beside.at, onDefect,
    listen: async (ns, path) => draining.watch(await listenSocket(app(), reach, { add: open.addInside }, ns, path, 0o666)),
  })
  return {
    connections: open, beside, inside,
    /** Listens on the TLS port; answers its address. Throws when it is in use. */
    async listen(): Promise<string> {
      const certificate = await authority.server(['localhost', '127.0.0.1', '::1', ...serverNames(config)])
      return listening(draining.watch(listenTls(app(), reach, open, { ca: authority.caPem, ...certificate })), config.listen)
    },
    /** Serves the sockets of before a restart again. */
    async resume(): Promise<void> {
      await beside.resume()
      await inside.resume()
    },
    /** Ends what is served of a namespace. */
    cut(ns: string): void {
      beside.end(ns)
      inside.end(ns)
      open.cut(ns)
    },
    /** Lets calls and streams finish, for so many milliseconds. */
    async stop(patience: number): Promise<void> {
      grpc.end()
      await draining.end(patience)
      beside.stop()
      inside.stop()
    },
  }
}
