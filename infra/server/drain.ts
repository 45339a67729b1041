import type { Server } from 'node:http'

/** Ends servers in order. */
export interface Drain {
  /** To be called before the server listens. */
  watch<S extends Server>(server: S): S
  /**
   * No new connections, idle ones are closed, calls and streams (hijacked ones too) finish for at most so many milliseconds, and then are cut.
   */
  end(milliseconds: number): Promise<void>
}

/** Milliseconds between looks for connections on which nothing happens any more. */
const lookEvery = 50

/** Watches no server yet. */
export function drain(): Drain {
  const servers = new Set<Server>()
  // Node forgets the sockets that it has handed over.
  const sockets = new Set<{ destroy(): void }>()
  return {
    watch(server) {
      servers.add(server)
      server.on('connection', (socket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
      server.on('close', () => servers.delete(server))
      return server
    },
    async end(milliseconds) {
      const closeIdle = () => { for (const server of servers) server.closeIdleConnections() }
      const ended = Promise.all([...servers].map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
      closeIdle()
      const idle = setInterval(closeIdle, lookEvery)
      const cut = setTimeout(() => { for (const socket of sockets) socket.destroy() }, milliseconds)
      await ended
      clearInterval(idle)
      clearTimeout(cut)
    },
  }
}
