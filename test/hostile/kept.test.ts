import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Namespace } from '../setup/gateway.ts'
import { heldConnections } from '../setup/held-connections.ts'
import { until } from '../setup/processes.ts'
import { openArena, type Arena, type Side } from './arena.ts'

/** What is over must not be kept: connections whose other end says nothing any more, or whose work has ended. Seen from outside the gateway. */

let arena: Arena
let guest: Namespace & { side: Side }
before(async () => {
  arena = await openArena()
  const opened = await arena.gateway.open()
  guest = { ...opened, side: await arena.serve(opened.id) }
})
after(() => arena.stop())

const head = (line: string, ...headers: string[]) => [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')
const upgrade = ['Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 0']

/** Both ways in, with one's own side left open whatever comes. */
const ways = {
  'a unix socket': { open: async () => { const socket = connect({ path: arena.attacker.socket, allowHalfOpen: true }); await once(socket, 'connect'); return socket }, held: () => heldConnections(arena.attacker.socket) },
  TLS: {
    open: async () => {
      const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => readFileSync(`${guest.certPath}/${name}.pem`))
      const socket = connectTls({ host: '127.0.0.1', port: port(), ca, cert, key, allowHalfOpen: true } as ConnectionOptions)
      await once(socket, 'secureConnect')
      return socket as Socket
    },
    held: () => heldConnections(port()),
  },
}
const port = () => Number(new URL(arena.gateway.url).port)

/** What came so far. */
function collect(socket: Socket): () => string {
  let text = ''
  socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') }).on('error', () => {})
  return () => text
}

const answered: Record<string, string> = {
  'bytes that are no request': '\x00\x01garbage\r\n\r\n',
  'a head that is too large': head(`GET /_ping`, `X: ${'a'.repeat(300 * 1024)}`),
  'an upgrade that is refused': head('POST /containers/none/attach', ...upgrade),
  'an upgrade that is not taken': head('GET /_ping', ...upgrade),
  'an upgrade with a request behind it': head('GET /_ping', ...upgrade) + head('GET /_ping'),
  'a request that asks for the end': head('GET /_ping', 'Connection: close'),
}

for (const [way, { open, held }] of Object.entries(ways)) {
  describe(`over ${way}, a client that never closes its side`, () => {
    for (const [what, bytes] of Object.entries(answered)) {
      it(`is answered, told the end and let go after ${what}`, async () => {
        await until(() => held() === 0, 'connections of before are gone', 60_000)
        const socket = await open()
        const text = collect(socket)
        socket.write(bytes)
        await until(() => socket.readableEnded, 'the client is told the end', 60_000)
        assert.match(text(), /^HTTP\/1\.1 \d+ /)
        await until(() => held() === 0, 'the gateway lets go', 60_000)
        socket.destroy()
      })
    }

    for (const [what, headers] of [['an attach', upgrade], ['an attach without an upgrade', ['Content-Length: 0']]] as const) {
      it(`has all output and is let go when the engine has ended ${what}`, async () => {
        const { side } = way === 'TLS' ? guest : { side: arena.attacker }
        const id = await arena.container(side, { Cmd: ['sh', '-c', 'read x; echo the-end'], OpenStdin: true, StdinOnce: false })
        const socket = await open()
        const text = collect(socket)
        socket.write(head(`POST /containers/${id}/attach?stream=1&stdout=1&stdin=1`, ...headers))
        await until(() => text().includes('\r\n\r\n'), 'attached', 60_000)
        await side.ask({ method: 'POST', target: `/containers/${id}/start` })
        // Input goes in by another connection, as this one may not be able to.
        const input = connect({ path: arena.engine.socket })
        // An engine drops what comes together with the request.
        input.write(head(`POST /containers/${id}/attach?stream=1&stdin=1`, ...upgrade))
        await once(input, 'data')
        input.write('go\n')
        await until(() => socket.readableEnded, 'the client is told the end', 60_000)
        input.destroy()
        assert.match(text(), /the-end\n$/)
        await until(() => held() === 0, 'the gateway lets go', 60_000)
        socket.destroy()
      })
    }
  })

  describe(`over ${way}, a client that goes away`, () => {
    const streams: Record<string, (id: string) => string> = {
      events: () => head('GET /events'),
      logs: (id) => head(`GET /containers/${id}/logs?follow=1&stdout=1`),
      wait: (id) => head(`POST /containers/${id}/wait`, 'Content-Length: 0'),
      stats: (id) => head(`GET /containers/${id}/stats`),
    }
    for (const [what, bytes] of Object.entries(streams)) {
      it(`during ${what} leaves nothing behind, on the engine neither`, async () => {
        const { side } = way === 'TLS' ? guest : { side: arena.attacker }
        const id = await arena.container(side, {}, { start: true })
        const upstream = arena.recorder.connections()
        for (const goes of ['end', 'destroy'] as const) {
          const socket = await open()
          const text = collect(socket)
          socket.write(bytes(id))
          await until(() => text().includes('\r\n\r\n'), `${what} has begun`, 60_000)
          socket[goes]()
          await until(() => held() === 0, `the gateway lets go after ${goes}`, 60_000)
        }
        // One more may be kept for the next call.
        await until(() => arena.recorder.connections() <= upstream + 1, 'the engine is let go', 60_000)
        await side.ask({ method: 'DELETE', target: `/containers/${id}?force=1` })
      })
    }
  })
}
