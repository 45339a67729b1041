import { rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { Refusal } from '../lib/refusal.ts'
import type { Store } from '../lib/store.ts'
import { readIfThere, writePrivately } from './files.ts'
import type { State } from './state.ts'

/** The unix sockets that namespaces are served on beside their jobs. */
export interface NamespaceSockets {
  /** Serves a namespace at an absolute path. Throws `Refusal` 400 when that cannot be, and 503 when it cannot be remembered. */
  begin(ns: string, path: string): Promise<void>
  /** Where a namespace is served, if it is. */
  at(ns: string): string | undefined
  /** Ends it for good. */
  end(ns: string): void
  /** Serves the sockets of before a restart again, as far as that can be. */
  resume(): Promise<void>
  /** Stops serving; `resume` goes on at the next start. */
  stop(): void
}

/** Sockets are remembered in the state directory across restarts. `onDefect` hears of one that could not be opened again or not be forgotten. */
export function namespaceSockets(store: Store, state: State, listen: (ns: string, path: string) => Promise<Server>,
  onDefect: (what: string, error: unknown) => void): NamespaceSockets {
  const file = state.path('sockets.json')
  const remembered: Record<string, string> = JSON.parse(readIfThere(file) ?? '{}')
  const servers = new Map<string, Server>()
  const remember = (paths: object) => writePrivately(file, `${JSON.stringify(paths)}\n`)

  function stop(ns: string): void {
    servers.get(ns)?.close()
    servers.delete(ns)
  }
  return {
    async begin(ns, path) {
      if (remembered[ns] === path && servers.has(ns)) return
      const server = await listen(ns, path).catch((error: Error) => {
        throw new Refusal(400, `the socket ${path} cannot be opened: ${error.message}; choose a path in a directory that exists and that the gateway may write to`)
      })
      try {
        remember({ ...remembered, [ns]: path })
      } catch (error) {
        server.close()
        throw new Refusal(503, `the socket ${path} cannot be remembered in the gateway's state directory: ${(error as Error).message}; try again when its operator has mended that`)
      }
      stop(ns)
      servers.set(ns, server)
      remembered[ns] = path
    },
    at: (ns) => servers.has(ns) ? remembered[ns] : undefined,
    end(ns) {
      stop(ns)
      const path = remembered[ns]
      if (path === undefined) return
      delete remembered[ns]
      // What is remembered too long is found closed at the next start.
      try {
        rmSync(path, { force: true })
        remember(remembered)
      } catch (error) {
        onDefect(`to forget the socket ${path}`, error)
      }
    },
    async resume() {
      for (const [ns, path] of Object.entries(remembered)) {
        if ((await store.find(ns))?.state !== 'open') delete remembered[ns]
        else await listen(ns, path).then((server) => servers.set(ns, server), (error) => onDefect(`to open the socket ${path} again`, error))
      }
    },
    stop: () => { for (const ns of servers.keys()) stop(ns) },
  }
}
