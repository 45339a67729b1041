import { rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { Refusal } from '../lib/refusal.ts'
import type { Store } from '../lib/store.ts'
import { readIfThere, writePrivately } from './files.ts'
import type { State } from './state.ts'

/** The unix sockets that namespaces are served on beside their jobs. */
export interface NamespaceSockets {
  /** Serves a namespace at an absolute path. Throws `Refusal` 400 when that cannot be. */
  begin(ns: string, path: string): Promise<void>
  /** Where a namespace is served, if it is. */
  at(ns: string): string | undefined
  /** Ends it for good. */
  end(ns: string): void
  /** Serves the sockets of before a restart again. */
  resume(): Promise<void>
  /** Stops serving; `resume` goes on at the next start. */
  stop(): void
}

/** Sockets are remembered in the state directory across restarts. */
export function namespaceSockets(store: Store, state: State, listen: (ns: string, path: string) => Promise<Server>): NamespaceSockets {
  const file = state.path('sockets.json')
  const remembered: Record<string, string> = JSON.parse(readIfThere(file) ?? '{}')
  const servers = new Map<string, Server>()
  const remember = () => writePrivately(file, `${JSON.stringify(remembered)}\n`)

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
      stop(ns)
      servers.set(ns, server)
      remembered[ns] = path
      remember()
    },
    at: (ns) => servers.has(ns) ? remembered[ns] : undefined,
    end(ns) {
      stop(ns)
      if (remembered[ns] === undefined) return
      rmSync(remembered[ns], { force: true })
      delete remembered[ns]
      remember()
    },
    async resume() {
      for (const [ns, path] of Object.entries(remembered)) {
        if ((await store.find(ns))?.state === 'open') servers.set(ns, await listen(ns, path))
        else delete remembered[ns]
      }
    },
    stop: () => { for (const ns of servers.keys()) stop(ns) },
  }
}
