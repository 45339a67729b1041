import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { heldConnections } from '../setup/held-connections.ts'
import { residentBytes, until } from '../setup/processes.ts'
import { openArena, type Arena } from './arena.ts'

/** Much of what is allowed: many pieces, many connections, much that nobody reads. Memory is measured from outside the gateway. */

const MiB = 1024 * 1024

let arena: Arena
before(async () => { arena = await openArena() })
after(() => arena.stop())

const open = new Set<Socket>()
afterEach(() => { for (const socket of open) socket.destroy() })

const memory = () => residentBytes(arena.gateway.pid)
const head = (line: string, ...headers: string[]) => [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')

/** The kernel's queue of a unix socket may be full for a moment, which it says with EAGAIN. */
async function connected(attempts = 600): Promise<Socket> {
  const socket = connect({ path: arena.attacker.socket })
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || attempts === 0) throw error
    await sleep(100)
    return connected(attempts - 1)
  }
}

/** A connection with what has come on it, which is not kept. */
async function talker(bytes: string) {
  const socket = await connected()
  open.add(socket)
  let [got, text] = [0, '']
  socket.on('data', (piece: Buffer) => { got += piece.length; if (text.length < 500) text += piece.toString('latin1') }).on('error', () => {})
  socket.write(bytes)
  return { socket, got: () => got, text: () => text }
}

describe('a body in pieces of one byte', () => {
  it('is read in a time that grows with its length, not with its square', async () => {
    const id = await arena.container(arena.attacker, {}, { start: true })
    const { json: { Id: exec } } = await arena.attacker.ask({ method: 'POST', target: `/containers/${id}/exec`, body: { Cmd: ['true'] } })
    const before = memory()
    const body = `{${' '.repeat(300_000)}"Detach":true}`
    const pieces = [...body].map((char) => `1\r\n${char}\r\n`).join('')
    const client = await talker(head(`POST /exec/${exec}/start`, 'Content-Type: application/json', 'Transfer-Encoding: chunked'))
    client.socket.write(`${pieces}0\r\n\r\n`)
    await until(() => client.text() !== '', 'an answer', 200_000)
    assert.match(client.text(), /^HTTP\/1\.1 200 /)
    assert.ok(memory() - before < 100 * MiB, `${(memory() - before) / MiB} MiB`)
  })

  it('is given up when it is too large, and the client is told', async () => {
    const client = await talker(head('POST /containers/create', 'Content-Type: application/json', 'Transfer-Encoding: chunked'))
    client.socket.write(`1000\r\n${' '.repeat(4096)}\r\n`.repeat(1100))
    await until(() => client.text() !== '', 'an answer', 60_000)
    assert.match(client.text(), /^HTTP\/1\.1 413 /)
  })
})

describe('events with much text', () => {
  it('are kept, and buffered for watchers that do not read, only up to a bound', async () => {
    await Promise.all(Array.from({ length: 5 }, async () => {
      const watcher = await talker(head('GET /events'))
      await until(() => watcher.got() > 0, 'the stream begins', 60_000)
      watcher.socket.pause()
    }))
    const label = 'x'.repeat(512 * 1024)
    const id = await arena.container(arena.attacker, { Labels: { a: label } }, { start: true })
    const before = memory()
    for (let round = 0; round < 150; round++) await arena.attacker.ask({ method: 'POST', target: `/containers/${id}/kill?signal=WINCH` })
    const { text } = await arena.attacker.ask({ target: `/events?since=0&until=${Math.floor(Date.now() / 1000) + 1}` })
    assert.ok(text.length < 3 * MiB, `${text.length / MiB} MiB`)
    assert.match(text, /"Action":"kill"/)
    // A hundred and fifty of half a mebibyte are 75 MiB, five times.
    assert.ok(memory() - before < 250 * MiB, `${(memory() - before) / MiB} MiB`)
  })
})

describe('many connections', () => {
  it('that attach and are idle, watch events or say nothing cost little, and are all let go', async () => {
    const id = await arena.container(arena.attacker, { Cmd: ['sh', '-c', 'read x; echo the-end'], OpenStdin: true }, { start: true })
    const [attach, watch] = [head(`POST /containers/${id}/attach?stream=1&stdout=1`, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 0'), head('GET /events')]
    const [before, held] = [memory(), heldConnections(arena.attacker.socket)]
    const all: Awaited<ReturnType<typeof talker>>[] = []
    for (let round = 0; round < 20; round++) {
      all.push(...await Promise.all(Array.from({ length: 30 }, (_, n) => talker(n % 3 === 0 ? watch : n % 3 === 1 ? attach : ''))))
    }
    const speaking = all.filter((_, n) => n % 3 !== 2)
    await until(() => speaking.every(({ got }) => got() > 0), 'all are answered', 120_000)
    assert.ok(speaking.every(({ text }) => /^HTTP\/1\.1 (200|101) /.test(text())))
    assert.ok(memory() - before < 100 * MiB, `${(memory() - before) / MiB} MiB`)
    // The gateway answers others meanwhile, and the engine's output reaches every one.
    assert.equal((await arena.victim.ask({ target: '/containers/json' })).status, 200)
    await arena.bare.ask({ method: 'POST', target: `/containers/${id}/kill` })
    await until(() => all.filter((_, n) => n % 3 === 1).every(({ socket }) => socket.readableEnded), 'all attached are told the end', 60_000)
    for (const { socket } of all) socket.destroy()
    await until(() => heldConnections(arena.attacker.socket) <= held, 'all are let go', 60_000)
  })

  it('that read nothing of much output hold it back on the engine, and not in the gateway', async () => {
    const id = await arena.container(arena.attacker, { Cmd: ['sh', '-c', 'head -c 50000000 /dev/zero | tr "\\0" x'] }, { start: true })
    await arena.attacker.ask({ method: 'POST', target: `/containers/${id}/wait` })
    const before = memory()
    await Promise.all(Array.from({ length: 10 }, async (_, n) => {
      const reader = await talker(head(`GET /containers/${id}/${n % 2 ? 'export' : 'logs?stdout=1'}`))
      await until(() => reader.got() > 0, 'it begins', 60_000)
      reader.socket.pause()
    }))
    await arena.victim.ask({ target: '/containers/json' })
    assert.ok(memory() - before < 100 * MiB, `${(memory() - before) / MiB} MiB`)
  })

  it('that send a byte now and then do not keep others waiting', async () => {
    const slow = await Promise.all(Array.from({ length: 50 }, () => talker('GET /containers/json HTTP/1.1\r\nX: ')))
    for (const { socket } of slow) socket.write('a')
    assert.equal((await arena.victim.ask({ target: '/containers/json' })).status, 200)
    for (const { socket } of slow) socket.write('\r\nHost: x\r\nConnection: close\r\n\r\n')
    await until(() => slow.every(({ text }) => /^HTTP\/1\.1 200 /.test(text())), 'all are answered in the end', 60_000)
  })
})
