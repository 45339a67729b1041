import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDirectly, socketOf, type Direct } from '../setup/farm.ts'
import { until } from '../setup/processes.ts'
import { openArena, type Arena, type Side } from './arena.ts'

/** What is too large, too deep or too much, over both kinds of connection: the client is told, the engine gets nothing, and others are served. */

let [arena, job, side] = [] as unknown as [Arena, Direct, Side]
before(async () => {
  arena = await openArena()
  job = await openDirectly(arena.gateway)
  side = await arena.serve(job.id)
  await arena.container(side, {}, { name: 'own' })
})
after(() => arena.stop())

const ways: Record<string, () => Promise<Socket>> = {
  mTLS: () => socketOf(arena.gateway, job),
  async 'a unix socket'() {
    const socket = connect({ path: side.socket })
    await once(socket, 'connect')
    return socket
  },
}

const post = (target: string, body: string) => [`POST ${target} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n')
const get = (target: string, ...headers: string[]) => [`GET ${target} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')
const bodies = ['/containers/create', '/networks/create', '/volumes/create', '/containers/own/exec', '/containers/own/update', '/networks/own/connect']
const lists = ['/containers/json', '/images/json', '/networks', '/volumes', '/events']
const deep = `{"Labels":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`
const many = encodeURIComponent(JSON.stringify({ label: Array.from({ length: 5000 }, (_, n) => `a${n}`) }))
const large = `{"Labels":{"a":"${'x'.repeat(5 * 1024 * 1024)}"}}`

const excesses: Record<string, { status: number; requests: string[] }> = {
  'a head': { status: 431, requests: [get('/containers/json', `X-A: ${'a'.repeat(300 * 1024)}`), get(`/containers/json?${'a'.repeat(300 * 1024)}`), get('/version', ...Array.from({ length: 30_000 }, (_, n) => `X-${n}: aaaaaa`))] },
  'a body': { status: 413, requests: bodies.map((target) => post(target, large)) },
  'JSON that nests': { status: 400, requests: bodies.map((target) => post(target, deep)) },
  'a list of filters': { status: 400, requests: lists.map((target) => get(`${target}?filters=${many}`)) },
}

/** Sends a request and then one for a ping that is the last, and answers the statuses. Rejects when the connection stays open. */
async function statuses(socket: Socket, request: string): Promise<number[]> {
  let [text, over] = ['', false]
  socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') }).on('error', () => { over = true }).on('end', () => { over = true })
  socket.write(request)
  await until(() => over || /^HTTP\/1\.1 \d+ /.test(text), 'an answer')
  if (!over) socket.write(get('/_ping', 'Connection: close'))
  await until(() => over, 'the connection ends')
  socket.destroy()
  return [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => Number(match[1]))
}

/** Sends too large a head, goes on with it when the gateway has answered, reads only then, and answers what begins to come. */
async function lateRead(socket: Socket): Promise<string> {
  let [text, over] = ['', false]
  socket.on('error', () => { over = true }).on('close', () => { over = true })
  socket.write(`GET /version HTTP/1.1\r\nX-A: ${'a'.repeat(300 * 1024)}`)
  for (let piece = 0; piece < 3; piece++) {
    await sleep(20)
    socket.write('a'.repeat(1000))
  }
  await sleep(20)
  socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') })
  await until(() => over || text !== '', 'an answer')
  socket.destroy()
  return text.slice(0, 13)
}

for (const [way, another] of Object.entries(ways)) {
  describe(`what is beyond the limits, by ${way}`, () => {
    for (const [what, { status, requests }] of Object.entries(excesses)) {
      it(`${what}, is answered ${status} and goes nowhere, and the connection is of use or ends`, async () => {
        for (const request of requests) {
          const { result, requests: asked } = await arena.recorded(async () => statuses(await another(), request))
          const line = request.slice(0, 60)
          assert.equal(result[0], status, line)
          assert.ok(result.length === 1 || (result.length === 2 && result[1] === 200), `${line}: ${result}`)
          assert.deepEqual(asked, [], line)
        }
        assert.equal((await arena.victim.ask({ target: '/containers/json' })).status, 200)
      })
    }

    it('a head that goes on when it has been answered, by a client that reads only then, is answered all the same', async () => {
      // A machine that stands still for seconds is a client that took too long.
      await until(async () => await lateRead(await another()) === 'HTTP/1.1 431 ', 'an answer that can be read late')
    })
  })
}
