import type { Socket } from 'node:net'

/** The open sockets of each namespace, so that closing a namespace can cut them. */
export interface Connections {
  add(ns: string, socket: Socket): void
  /** How many its namespace had open when this one came, itself counted. */
  rank(socket: Socket): number
  /** A request came on it. */
  spoke(socket: Socket): void
  /** The same for a socket inside the namespace's containers: its callers are nowhere that published ports are dialled from. */
  addInside(ns: string, socket: Socket): void
  cut(ns: string): void
  /** Leaves this one open when its namespace is cut: somebody waits on it to hear what became of that. */
  spare(socket: Socket): void
  /** How many are open, of all namespaces. */
  count(): number
  /** Those with open sockets. */
  namespaces(): Iterable<string>
}

export interface ConnectionsParts {
  /** Hears of every new socket of a namespace: the address it comes from, undefined for unix sockets. */
  seen(ns: string, address: string | undefined): void
  /** How many a namespace may have open before one that says nothing is closed. */
  limit(ns: string): Promise<number>
}

/** Milliseconds in which one beyond the limit may send a request, to be told why it is closed. */
const patience = 5_000

/** Without any; `add` is to be called for every new socket of a namespace. */
export function connections({ seen, limit }: ConnectionsParts): Connections {
  const open = new Map<string, Set<Socket>>()
  const ranks = new WeakMap<Socket, number>()
  const spoken = new WeakSet<Socket>()

  async function bound(ns: string, socket: Socket, rank: number): Promise<void> {
    if (rank <= await limit(ns)) return
    const timer = setTimeout(() => { if (!spoken.has(socket)) socket.destroy() }, patience)
    socket.once('close', () => clearTimeout(timer))
  }

  function addInside(ns: string, socket: Socket): void {
    const sockets = open.get(ns) ?? new Set()
    open.set(ns, sockets.add(socket))
    ranks.set(socket, sockets.size)
    // Whoever cannot be found now is told so when it asks for something.
    void bound(ns, socket, sockets.size).catch(() => {})
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0 && open.get(ns) === sockets) open.delete(ns)
    })
  }
  return {
    addInside,
    rank: (socket) => ranks.get(socket) ?? 0,
    spoke: (socket) => void spoken.add(socket),
    add(ns, socket) {
      seen(ns, socket.remoteAddress)
      addInside(ns, socket)
    },
    count: () => open.values().reduce((sum, sockets) => sum + sockets.size, 0),
    namespaces: () => open.keys(),
    spare(socket) {
      for (const sockets of open.values()) sockets.delete(socket)
    },
    cut(ns) {
      for (const socket of open.get(ns) ?? []) socket.destroy()
    },
  }
}
