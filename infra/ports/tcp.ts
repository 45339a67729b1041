import { connect, createServer, type OnReadOpts, type Socket } from 'node:net'
import { plainAddress, type Admit, type Relay, type RelayOptions, type Target } from './target.ts'

/** Connections of one port at a time; more are closed at once. */
const connectionsAtOnce = 1024

/** Bytes read from the container at a time, into one buffer per connection. */
const readAtOnce = 128 * 1024

/** Buffers kept for the next connections of a relay. */
const buffersKept = 16

/** Listens on a TCP port and ties each connection to one of its own to the target. Rejects when the port cannot be listened on. */
export function relayTcp({ address, port, target, admit }: RelayOptions): Promise<Relay> {
  const open = new Set<Socket>()
  const spare: Buffer[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (client) => {
    client.on('error', () => client.destroy())
    open.add(client)
    client.once('close', () => open.delete(client))
    void serve(client, target, admit, spare)
  })
  server.maxConnections = connectionsAtOnce
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => resolve({
      port: (server.address() as { port: number }).port,
      close() {
        server.close()
        for (const client of open) client.resetAndDestroy()
      },
    }))
  })
}

/** Whom the port is not for, and what has no container behind it, sees a connection that is reset, as at a port that nobody listens on. */
async function serve(client: Socket, target: Target, admit: Admit, spare: Buffer[]): Promise<void> {
  const admitted = await Promise.resolve(admit(plainAddress(client.remoteAddress ?? ''))).catch(() => false)
  const to = admitted ? target() : undefined
  if (to === undefined || client.destroyed) return void client.resetAndDestroy()
  tie(client, to, spare)
}

/** Half-closes pass through on their own; when either side is lost the other is cut. */
function tie(client: Socket, to: { host: string; port: number }, spare: Buffer[]): void {
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(readAtOnce)
  let whole = false
  const upstream: Socket = connect({ ...to, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, onread: into(buffer, client, () => upstream) })
  upstream.on('error', () => upstream.destroy())
  upstream.on('end', () => { whole = true; client.end() })
  let ends = 2
  // Nothing reads into the buffer or writes from it any more when both are closed.
  const closed = () => { if (--ends === 0 && spare.length < buffersKept) spare.push(buffer) }
  upstream.once('close', () => { if (!whole) client.resetAndDestroy(); closed() })
  client.once('close', () => { if (!client.readableEnded || !whole) upstream.resetAndDestroy(); closed() })
  client.pipe(upstream)
}

/** Reads into one buffer again and again: anew only when the client's socket has taken all of it. */
function into(buffer: Buffer, client: Socket, upstream: () => Socket): OnReadOpts {
  const readOn = () => { upstream().resume() }
  return {
    buffer,
    callback(size) {
      if (!client.writable) return false
      client.write(buffer.subarray(0, size), readOn)
      // What the kernel took at once is no longer in the buffer.
      return client.writableLength === 0
    },
  }
}
