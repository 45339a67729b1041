import type { Socket } from 'node:net'

/** The open sockets of each namespace, so that closing a namespace can cut them. */
export interface Connections {
  add(ns: string, socket: Socket): void
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

/** `seen` hears of every new socket of a namespace: the address it comes from, undefined for unix sockets. */
export function connections(seen: (ns: string, address: string | undefined) => void = () => {}): Connections {
  const open = new Map<string, Set<Socket>>()
  function addInside(ns: string, socket: Socket): void {
    const sockets = open.get(ns) ?? new Set()
    open.set(ns, sockets.add(socket))
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0 && open.get(ns) === sockets) open.delete(ns)
    })
  }
  return {
    addInside,
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
