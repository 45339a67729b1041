import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { unreachable } from '../../infra/hosts/away.ts'
import { Refusal } from '../../lib/refusal.ts'
import { must } from '../setup/command.ts'
import { isAlive, until } from '../setup/processes.ts'
import { openArena, type Arena } from './arena.ts'

/** A gateway that may not open another file: what is there goes on, what is new is refused, and all is as before when others have gone. */

let arena: Arena
before(async () => { arena = await openArena() })
after(() => arena.stop())

const sockets = new Set<Socket>()
afterEach(() => {
  limit(most())
  for (const socket of sockets) socket.destroy()
})

const descriptors = () => readdirSync(`/proc/${arena.gateway.pid}/fd`).map(Number)
const most = () => Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync(`/proc/${arena.gateway.pid}/limits`, 'utf8'))![1])
const limit = (count: number) => must('prlimit', ['--pid', String(arena.gateway.pid), `--nofile=${count}:`])

/** The gateway may open so many more files. The limit is of their numbers, of which some are free. */
function tighten(room: number): void {
  const taken = new Set(descriptors())
  let end = 0
  for (let free = 0; free < room; end++) if (!taken.has(end)) free++
  limit(end)
}

const head = (line: string, ...headers: string[]) => [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')

/** A connection to the attacker's socket, and what has come on it. */
async function talker(bytes = '') {
  const socket = connect({ path: arena.attacker.socket })
  sockets.add(socket)
  let [text, closed] = ['', false]
  socket.on('data', (piece: Buffer) => { text += piece.toString('latin1') }).on('error', () => {}).on('close', () => { closed = true })
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  socket.write(bytes)
  return { say: (more: string) => socket.write(more), text: () => text, closed: () => closed, socket }
}

describe('a gateway without another file descriptor', () => {
  it('refuses or closes what is new, goes on with what is there, and recovers', async () => {
    const { pid } = arena.gateway
    const id = await arena.container(arena.attacker, { Cmd: ['cat'], OpenStdin: true }, { start: true })
    const attach = await talker(head(`POST /containers/${id}/attach?stream=1&stdin=1&stdout=1`, 'Connection: Upgrade', 'Upgrade: tcp'))
    await until(() => attach.text().includes('101 UPGRADED'), 'it is attached')
    const kept = await talker()
    tighten(20)
    const flood = await Promise.all(Array.from({ length: 300 }, () => talker(head(`POST /containers/${id}/wait`, 'Content-Length: 0'))))
    await until(() => flood.filter(({ closed, text }) => closed() || / 503 /.test(text())).length > 200, 'most are refused or closed')
    for (const { text, closed } of flood) assert.match(text(), /^$|^HTTP\/1\.1 (200|503) /, String(closed()))
    attach.say('still here\n')
    await until(() => attach.text().includes('still here'), 'what is attached goes on')
    for (const { socket } of flood) socket.destroy()
    await until(async () => (await arena.victim.ask({ target: '/containers/json' }).catch(() => ({ status: 0 }))).status === 200, 'others are served again')
    kept.say(head('GET /_ping', 'Connection: close'))
    await until(() => / 200 OK/.test(kept.text()), 'an idle connection from before is served')
    assert.equal(arena.gateway.pid, pid)
    assert.ok(isAlive(pid))
  })

  it('says so when it cannot connect to the engine for that reason', async () => {
    const id = await arena.container(arena.attacker, { Cmd: ['cat'], OpenStdin: true }, { start: true })
    const clients = await Promise.all(Array.from({ length: 40 }, () => talker(head('GET /_ping'))))
    await until(() => clients.every(({ text }) => text().includes('OK')), 'all are connected')
    tighten(5)
    const calls = [head(`POST /containers/${id}/wait`, 'Content-Length: 0'), head(`POST /containers/${id}/attach?stream=1&stdout=1`, 'Connection: Upgrade', 'Upgrade: tcp'), head(`GET /containers/${id}/logs?stdout=1&follow=1`), head(`GET /containers/${id}/stats`)]
    const asked = clients.map((client, n) => ({ ...client, from: client.text().length, call: client.say(calls[n % calls.length]!) }))
    await until(() => asked.every(({ text, from }) => text().length > from), 'all are answered')
    const answers = asked.map(({ text, from }) => text().slice(from))
    const refused = answers.filter((answer) => answer.startsWith('HTTP/1.1 503 '))
    assert.ok(refused.length > 10, answers.join('\n'))
    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 (200|101|503) /)
    for (const answer of refused) assert.match(answer, /\{"message":"the gateway cannot open another connection to host engine now \(EMFILE\); try again when others have ended"\}/)
    limit(most())
    for (const { socket } of clients) socket.destroy()
    await until(async () => (await arena.attacker.ask({ target: `/containers/${id}/json` })).status === 200, 'it is served again')
  })
})

describe('what a client is told when the gateway has no room for a connection to the engine', () => {
  for (const code of ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']) {
    it(`for ${code}, 503 and to try again`, () => {
      const refusal = unreachable('big', Object.assign(new Error(code), { code }))
      assert.ok(refusal instanceof Refusal && refusal.status === 503)
      assert.equal(refusal.message, `the gateway cannot open another connection to host big now (${code}); try again when others have ended`)
    })
  }
})
