import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { plainAddress, type Relay, type RelayOptions } from './target.ts'

/** Milliseconds without a datagram after which a peer is forgotten, more than the kernel's own NAT keeps an answered one (net.netfilter). */
const forgottenAfter = 180_000

/** Peers of one port at a time; the one that has been silent longest makes room. */
const peersAtOnce = 1024

interface Peer {
  socket: Socket
  target: { host: string; port: number }
  silent: NodeJS.Timeout
}

/** Listens on a UDP port and gives each peer a socket of its own to the target, so that answers find back. Rejects when the port cannot be listened on. */
export function relayUdp({ address, port, target, admit }: RelayOptions): Promise<Relay> {
  const peers = new Map<string, Peer>()
  const server = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' })

  function forget(key: string): void {
    const peer = peers.get(key)
    if (peer === undefined) return
    clearTimeout(peer.silent)
    peer.socket.close()
    peers.delete(key)
  }

  function begin(key: string, from: { address: string; port: number }, to: { host: string; port: number }): Peer {
    if (peers.size >= peersAtOnce) forget(peers.keys().next().value!)
    const socket = createSocket({ type: isIPv6(to.host) ? 'udp6' : 'udp4' })
    // Nobody listens there (any more): datagrams may get lost, that is their nature.
    socket.on('error', () => {})
    const peer: Peer = { socket, target: to, silent: setTimeout(forget, forgottenAfter, key).unref() }
    socket.on('message', (data) => {
      peer.silent.refresh()
      server.send(data, from.port, from.address, () => {})
    })
    peers.set(key, peer)
    return peer
  }

  function pass(data: Uint8Array, from: { address: string; port: number }): void {
    const to = target()
    if (to === undefined) return
    const key = `${from.address} ${from.port}`
    const known = peers.get(key)
    if (known !== undefined && (known.target.port !== to.port || known.target.host !== to.host)) forget(key)
    const peer = peers.get(key) ?? begin(key, from, to)
    // The order of the map is the order of silence.
    peers.delete(key)
    peers.set(key, peer)
    peer.silent.refresh()
    peer.socket.send(data, to.port, to.host, () => {})
  }

  server.on('message', (data, from) => {
    const admitted = admit(plainAddress(from.address))
    if (admitted === true) return pass(data, from)
    if (admitted !== false) void admitted.then((yes) => { if (yes) pass(data, from) }, () => {})
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.bind({ address, port, exclusive: true }, () => {
      server.on('error', () => {})
      resolve({
        port: server.address().port,
        close() {
          server.close()
          for (const key of [...peers.keys()]) forget(key)
        },
      })
    })
  })
}
