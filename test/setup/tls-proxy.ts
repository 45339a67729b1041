import { connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { createServer } from 'node:tls'
import { importIssuer, issue, createIssuer, type Pair } from '../../infra/issue.ts'

/** An engine's socket reached by TCP with mutual TLS, as dockerd serves it with --tlsverify. */
export interface TlsProxy {
  /** `tcp://127.0.0.1:PORT` */
  url: string
  ca: string
  /** What a gateway proves itself with. */
  client: Pair
  stop(): void
}

export async function tlsProxy(socketPath: string): Promise<TlsProxy> {
  const [notBefore, notAfter] = [new Date(Date.now() - 60_000), new Date(Date.now() + 24 * 3600_000)]
  const ca = await createIssuer({ name: 'CN=engine CA', notBefore, notAfter })
  const issuer = await importIssuer(ca)
  const server = await issue(issuer, { name: 'CN=engine', usage: 'server', names: [{ type: 'ip', value: '127.0.0.1' }], notBefore, notAfter })
  const client = await issue(issuer, { name: 'CN=gateway', usage: 'client', names: [], notBefore, notAfter })
  const sockets = new Set<Socket>()
  const listener = createServer({ ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true }, (socket) => {
    const engine = connect({ path: socketPath, allowHalfOpen: true })
    for (const one of [socket, engine]) {
      sockets.add(one)
      one.on('close', () => sockets.delete(one))
    }
    socket.on('error', () => engine.destroy()).pipe(engine)
    engine.on('error', () => socket.destroy()).pipe(socket)
  })
  listener.on('tlsClientError', () => {})
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    url: `tcp://127.0.0.1:${(listener.address() as AddressInfo).port}`, ca: ca.cert, client,
    stop() {
      for (const socket of sockets) socket.destroy()
      listener.close()
    },
  }
}
