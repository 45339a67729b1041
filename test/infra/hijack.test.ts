import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer, ServerResponse, type IncomingMessage } from 'node:http'
import { connect, createServer as createPlain, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { createServer } from 'node:tls'
import { engineClient } from '../../infra/hosts/client.ts'
import { at } from '../../lib/engine-path.ts'
import { engineAddress } from '../../infra/hosts/connect.ts'
import { createIssuer, importIssuer, issue } from '../../infra/issue.ts'
import { hijack } from '../../infra/server/hijack.ts'

const portOf = (server: Pick<Server, 'address'>) => (server.address() as AddressInfo).port

/** An engine that has output at once: head and output arrive together. */
describe('the head of a hijacked connection', () => {
  it('is written some milliseconds before the first output, as clients that read it through a buffer need it', async (t) => {
    const engine = createPlain({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\noutput'))
    })
    const writes: { at: number; text: string }[] = []
    const gateway = createHttpServer()
    gateway.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
      socket.write = ((...given: unknown[]) => {
        writes.push({ at: performance.now(), text: String(given[0]) })
        return write(...given)
      }) as typeof socket.write
      const outgoing = new ServerResponse(incoming)
      outgoing.assignSocket(socket as Socket)
      void hijack(engineClient('fake', engineAddress(`tcp://127.0.0.1:${portOf(engine)}`)), { method: 'POST', path: at`/exec/x/start`, upgrade: 'tcp' }, () => ({ status: 101, headers: {} }),
        { kind: 'socket', socket, head, outgoing }, new AbortController().signal, 'fake')
    })
    engine.listen(0, '127.0.0.1')
    gateway.listen(0, '127.0.0.1')
    await Promise.all([once(engine, 'listening'), once(gateway, 'listening')])
    t.after(() => {
      engine.close()
      gateway.close()
      gateway.closeAllConnections()
    })
    for (let count = 0; count < 20; count++) {
      writes.length = 0
      const socket = connect({ port: portOf(gateway), host: '127.0.0.1', allowHalfOpen: true })
      socket.write('POST /exec/x/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n')
      await buffer(socket)
      socket.destroy()
      assert.deepEqual(writes.map(({ text }) => text.replace(/\r\n[^]*/, '')), ['HTTP/1.1 101 UPGRADED', 'output'])
      // Timers may be a fraction of a millisecond early, and never more.
      assert.ok(writes[1]!.at - writes[0]!.at >= 4, `${writes[1]!.at - writes[0]!.at} ms`)
    }
  })
})

/** An engine behind TLS that says all it has to say and closes at once: both arrive together. */
describe('a hijacked connection', async () => {
  const [notBefore, notAfter] = [new Date(Date.now() - 60_000), new Date(Date.now() + 3600_000)]
  const ca = await createIssuer({ name: 'CN=engine CA', notBefore, notAfter })
  const own = await issue(await importIssuer(ca), { name: 'CN=engine', usage: 'server', names: [{ type: 'ip', value: '127.0.0.1' }], notBefore, notAfter })
  const lastWords = 'x'.repeat(5_000)
  const engine = createServer({ ...own, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).once('data', () => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
      socket.on('data', () => socket.end(lastWords))
    })
  })
  const gateway = createHttpServer()
  before(async () => {
    engine.listen(0, '127.0.0.1')
    gateway.listen(0, '127.0.0.1')
    await Promise.all([once(engine, 'listening'), once(gateway, 'listening')])
    const client = engineClient('fake', engineAddress(`tcp://127.0.0.1:${portOf(engine)}`, { ca: ca.cert }))
    gateway.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      const outgoing = new ServerResponse(incoming)
      outgoing.assignSocket(socket as Socket)
      void hijack(client, { method: 'POST', path: at`/exec/x/start`, upgrade: 'tcp' }, () => ({ status: 101, headers: {} }),
        { kind: 'socket', socket, head, outgoing }, new AbortController().signal, 'fake')
    })
  })
  after(() => {
    engine.close()
    gateway.close()
    gateway.closeAllConnections()
  })

  it('brings what an engine says with its last breath', async () => {
    for (let count = 0; count < 50; count++) {
      const socket = connect({ port: portOf(gateway), host: '127.0.0.1', allowHalfOpen: true })
      socket.write('POST /exec/x/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n')
      socket.write('go')
      const said = (await buffer(socket)).toString()
      socket.destroy()
      assert.equal(said.slice(said.indexOf('\r\n\r\n') + 4).length, lastWords.length, `connection ${count}`)
    }
  })
})
