import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { openDirectly, socketOf, type Direct } from '../setup/farm.ts'
import { until } from '../setup/processes.ts'
import { openArena, type Arena, type Side } from './arena.ts'

/** As many connections as a policy allows, and one more. */

let arena: Arena
let [crowd, other] = [] as unknown as [Direct, Direct]
let beside: Side
before(async () => {
  arena = await openArena({ config: { policies: { default: { limits: { connections: 10 } }, seen: { mode: 'observe', limits: { connections: 2 } } } } })
  ;[crowd, other] = [await openDirectly(arena.gateway), await openDirectly(arena.gateway)]
  beside = await arena.serve(crowd.id)
})
after(() => arena.stop())

const open = new Set<Socket>()
afterEach(() => { for (const socket of open) socket.destroy() })

const list = 'GET /containers/json HTTP/1.1\r\nHost: x\r\n\r\n'

/** What comes on a connection once it is there. */
async function talker(connecting: Promise<Socket>, bytes = '') {
  const socket = await connecting
  open.add(socket)
  let [text, closed] = ['', false]
  socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') }).on('error', () => {}).on('close', () => { closed = true })
  socket.write(bytes)
  return { text: () => text, closed: () => closed, say: (more: string) => socket.write(more), leave: () => socket.destroy() }
}

/** Is one more connection served now? */
async function isServed(another: () => Promise<Socket>): Promise<boolean> {
  const one = await talker(another(), list)
  await until(() => one.text() !== '', 'an answer')
  one.leave()
  return one.text().includes('200 OK')
}

async function onUnixSocket(): Promise<Socket> {
  const socket = connect({ path: beside.socket })
  await once(socket, 'connect')
  return socket
}

const ways: Record<string, () => Promise<Socket>> = { mTLS: () => socketOf(arena.gateway, crowd), 'a unix socket': onUnixSocket }

for (const [way, another] of Object.entries(ways)) {
  describe(`a namespace with as many connections as it may have, by ${way}`, () => {
    it('gets no further one served, is told why, and others do not notice', async () => {
      const kept: Awaited<ReturnType<typeof talker>>[] = []
      for (let count = 0; count < 10; count++) {
        const one = await talker(another(), list)
        await until(() => one.text().includes('200 OK'), 'it is served')
        kept.push(one)
      }
      const { result: late, requests } = await arena.recorded(async () => {
        const one = await talker(another(), list)
        await until(() => one.closed(), 'it is closed')
        return one
      })
      assert.match(late.text(), /^HTTP\/1\.1 429 [^]*\{"message":"this namespace has as many connections as its policy allows \(10\); close some that are open, or ask the operator for a higher limits\.connections"\}\s*$/)
      assert.deepEqual(requests, [])
      const silent = await talker(another())
      await until(() => silent.closed(), 'one that says nothing is closed')
      assert.equal(silent.text(), '')
      const foreign = await talker(socketOf(arena.gateway, other), list)
      await until(() => foreign.text().includes('200 OK'), 'another namespace is served')
      const before = kept[0]!.text().length
      kept[0]!.say(list)
      await until(() => kept[0]!.text().slice(before).includes('200 OK'), 'what was there goes on')
      kept[1]!.leave()
      await until(() => isServed(another), 'another is served when one has gone')
      for (const one of kept) one.leave()
      await until(() => isServed(another), 'all are gone')
    })
  })
}

describe('a namespace whose policy only observes', () => {
  it('gets more served than it may have', async () => {
    const seen = await openDirectly(arena.gateway, { policy: 'seen' })
    const all: Awaited<ReturnType<typeof talker>>[] = []
    for (let count = 0; count < 4; count++) all.push(await talker(socketOf(arena.gateway, seen), list))
    await until(() => all.every(({ text }) => text().includes('200 OK')), 'all are served')
  })

  it('keeps one that says nothing, where another policy closes it', async () => {
    const [seen, bound] = [await openDirectly(arena.gateway, { policy: 'seen' }), await openDirectly(arena.gateway)]
    for (let count = 0; count < 2; count++) await talker(socketOf(arena.gateway, seen), list)
    for (let count = 0; count < 10; count++) await talker(socketOf(arena.gateway, bound), list)
    const kept = await talker(socketOf(arena.gateway, seen))
    const closed = await talker(socketOf(arena.gateway, bound))
    await until(() => closed.closed(), 'the other is closed')
    kept.say(list)
    await until(() => kept.text().includes('200 OK'), 'it is served')
  })
})
