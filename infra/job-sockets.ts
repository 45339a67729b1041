import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import type { JobSockets } from '../lib/job-sockets.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Store } from '../lib/store.ts'

/** The sockets inside containers, for as long as the gateway runs. */
export interface ServedJobSockets extends JobSockets {
  /** Ends that of a namespace for good. */
  end(ns: string): void
  /** Serves those of before a restart again. Containers that had one bound keep the old one, which nobody serves. */
  resume(): Promise<void>
  stop(): void
}

export interface JobSocketsOptions {
  /** Directory that gateway and engines have at the same path; undefined when they share none. */
  directory: string | undefined
  store: Store
  /** The path at which a namespace is served beside its job, if it is. */
  servedAt(ns: string): string | undefined
  listen(ns: string, path: string): Promise<Server>
  /** Hears of a socket that could not be served again. */
  onDefect(what: string, error: unknown): void
}

/**
 * Sockets that containers of a namespace may have bound instead of the engine's. They lie in a directory that only the gateway's user
 * may enter, so the sockets themselves can be open to every user of the container.
 */
export function jobSockets({ directory, store, servedAt, listen, onDefect }: JobSocketsOptions): ServedJobSockets {
  const servers = new Map<string, Promise<Server>>()
  if (directory !== undefined) mkdirSync(directory, { recursive: true, mode: 0o700 })
  const pathOf = (ns: string) => join(directory!, `${ns}.sock`)

  function begin(ns: string): Promise<Server> {
    const running = servers.get(ns) ?? listen(ns, pathOf(ns)).catch((error: Error) => {
      servers.delete(ns)
      throw new Refusal(503, `the socket of this namespace cannot be opened: ${error.message}; the operator finds jobSockets in the gateway's configuration`)
    })
    servers.set(ns, running)
    return running
  }

  return {
    isOwn: (ns, path) => servedAt(ns) === path,
    async path(host, ns) {
      // A host elsewhere has other files at the same paths.
      if (directory === undefined || !host.sharesFiles) return undefined
      await begin(ns)
      return pathOf(ns)
    },
    end(ns) {
      void servers.get(ns)?.then((server) => server.close(), () => {})
      servers.delete(ns)
      if (directory !== undefined) rmSync(pathOf(ns), { force: true })
    },
    async resume() {
      const left = directory === undefined ? [] : readdirSync(directory).filter((name) => /^[a-z][a-z0-9]{15}\.sock$/.test(name))
      for (const ns of left.map((name) => name.slice(0, 16))) {
        if ((await store.find(ns))?.state === 'open') await begin(ns).catch((error) => onDefect(`to open the socket of namespace ${ns} again`, error))
        else rmSync(pathOf(ns), { force: true })
      }
    },
    stop() {
      for (const server of servers.values()) void server.then((one) => one.close(), () => {})
    },
  }
}
