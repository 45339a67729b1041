import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:http2'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { InfoRequestSchema, InfoResponseSchema } from '../../lib/buildkit/proto/control_pb.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { buildId, control, grpcClient, upgraded, type GrpcClient } from '../setup/grpc-client.ts'
import { answered, attack, endings, floods, kinds } from '../setup/grpc-floods.ts'
import { callFrame, flags, frame, hello, types, uint32 } from '../setup/http2-frames.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** Frames that no client library sends, and more of them than any client sends. Memory and descriptors are read from outside the gateway. */

const codes = { invalid: 3, denied: 7, exhausted: 8 }

const directory = mkdtempSync(join(tmpdir(), 'moorage-frames-'))
const socketPath = join(directory, 'attacker')
let gateway: Gateway
let client: GrpcClient

before(async () => {
  const engine = await sharedEngine('28.5')
  gateway = await startGateway({ engineSocket: engine.socket, config: { controlGroups: 'off' } })
  await gateway.open('--unix', socketPath)
  client = await grpcClient(socketPath)
})
after(async () => {
  client.close()
  await gateway.stop()
  rmSync(directory, { recursive: true })
})

const isAlive = async () => assert.equal((await client.ask(`${control}/Info`, InfoRequestSchema, {}, InfoResponseSchema)).code, 0)

test('compressed, oversized and broken messages end their call', async () => {
  const data = (payload: Uint8Array) => frame(types.data, flags.endStream, 1, payload)
  const method = `${control}/Info`
  for (const [message, expected] of [
    [Buffer.from([1, 0, 0, 0, 0]), /compressed messages are not served/], [Buffer.concat([Buffer.from([0]), uint32(0xffffffff)]), /larger than/],
    [Buffer.from([0, 0, 0, 0, 9, 1]), /in the middle of a message/], [Buffer.from([7]), /in the middle of a message/],
  ] as const) {
    const received = await attack(socketPath, [callFrame(1, method), data(message)], answered)
    // Huffman-coded texts are not read here; the call is ended by headers alone.
    assert.ok(kinds(received).includes(types.headers), String(expected))
  }
  for (const more of [{ 'grpc-encoding': 'gzip' }, { 'content-type': 'application/json' }, { ':path': '/x' }, { ':method': 'GET' }] as Record<string, string>[]) {
    const received = await attack(socketPath, [callFrame(1, method, more)], answered)
    assert.ok(kinds(received).some((kind) => kind === types.headers || kind === types.reset || kind === types.goaway), JSON.stringify(more))
  }
  await isAlive()
})

test('floods end in a closed connection or in silence, and leave the gateway as it was', async () => {
  const before = resources()
  for (const [name, frames, enough] of floods(10_000)) {
    await attack(socketPath, frames(), enough).catch((error) => { throw new Error(name, { cause: error }) })
    await isAlive()
  }
  await until(() => resources().descriptors <= before.descriptors, `The gateway lets go of its descriptors; it had ${before.descriptors}`, 60_000)
  assert.ok(resources().megabytes < before.megabytes + 150, `the gateway grew from ${before.megabytes} to ${resources().megabytes} MB`)
})

/** What the gateway's process has open and in memory. */
function resources(): { descriptors: number; megabytes: number } {
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8')
  return { descriptors: readdirSync(`/proc/${gateway.pid}/fd`).length, megabytes: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024) }
}

test('connections that are half closed, silent or dropped are let go of', async () => {
  const before = resources().descriptors
  const sockets: Duplex[] = []
  for (let index = 0; index < 20; index++) {
    const socket = await upgraded(socketPath, '/grpc')
    sockets.push(socket.on('error', () => {}))
    if (index % 4 === 0) socket.end()
    if (index % 4 === 1) socket.end(Buffer.concat([hello, callFrame(1, `${control}/Info`)]))
    if (index % 4 === 2) socket.write(hello.subarray(0, 10))
    if (index % 4 === 3) socket.write(Buffer.concat([hello, callFrame(1, `${control}/Status`)]))
  }
  // Their own half was ended, and the gateway ends the other.
  await until(() => sockets.filter((_socket, index) => index % 4 < 2).every((socket) => { socket.resume(); return socket.readableEnded || socket.destroyed }), 'The gateway hangs up', 60_000)
  for (const socket of sockets) socket.destroy()
  await until(() => resources().descriptors <= before, `The gateway lets go of its descriptors; it had ${before}`, 60_000)
  await isAlive()
})

test('a session carried in messages that are none, or that ends in the middle of one, ends alone', async () => {
  const metadata = () => ({ 'x-docker-expose-session-uuid': [buildId()] })
  const { code, message } = await client.send(`${control}/Session`, [Buffer.from([0xff, 0xff])], metadata())
  assert.deepEqual([code, message], [codes.invalid, 'malformed BytesMessage'])
  assert.equal((await client.send(`${control}/Session`, [Buffer.from([0x12, 0x01, 0x61])], metadata())).code, codes.denied)
  for (const end of [Buffer.concat([uint32(0), frame(99, 255, 77)]), frame(types.goaway, 0, 5, Buffer.concat([uint32(0), uint32(0)])), frame(types.data, 0, 1, Buffer.from([0, 0, 0, 9, 9, 1]))]) {
    const socket = await upgraded(socketPath, '/grpc')
    socket.on('error', () => {})
    socket.write(Buffer.concat([hello, callFrame(1, `${control}/Session`, { 'x-docker-expose-session-uuid': buildId() }), frame(types.data, 0, 1, Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x61]))]))
    await new Promise((resolve) => { socket.once('data', resolve) })
    socket.write(end)
    socket.end()
    await isAlive()
  }
  await isAlive()
})

test('a session in messages whose client breaks off, or sends what is none, ends alone', async () => {
  const { pid } = gateway
  const head = (stream: number) => callFrame(stream, `${control}/Session`, { 'x-docker-expose-session-uuid': buildId(), 'x-docker-expose-session-name': 'x', 'x-docker-expose-session-grpc-method': '/x.Y/Z' })
  const message = (bytes: Uint8Array) => frame(types.data, 0, 1, Buffer.concat([Buffer.from([0]), uint32(bytes.length), bytes]))
  const bad: [string, Uint8Array][] = [
    ['no message', message(Uint8Array.of(0xff, 0xff))],
    ['an unknown field', message(Uint8Array.of(0xfa, 0x3f, 1, 0))],
    ['a compressed message', frame(types.data, 0, 1, Buffer.from([1, 0, 0, 0, 0]))],
    ['the middle of a message', frame(types.data, flags.endStream, 1, Buffer.from([0, 0, 0, 0, 9, 1]))],
    ['a call taken back', frame(types.reset, 0, 1, uint32(8))],
    ['a broken connection', frame(types.data, 0, 0, Buffer.alloc(9))],
  ]
  for (const [what, bytes] of bad) {
    await attack(socketPath, [head(1), bytes, frame(types.ping, 0, 0, Buffer.alloc(8))], (received) => kinds(received()).filter((kind) => kind === types.ping).length > 0 || endings(received)).catch((error) => { throw new Error(what, { cause: error }) })
    await until(async () => (await client.ask(`${control}/Info`, InfoRequestSchema, {}, InfoResponseSchema)).code === 0, `others are served after ${what}`)
  }
  // A client that is killed while the engine says nothing.
  const socket = await upgraded(socketPath, '/grpc')
  socket.on('error', () => {}).write(Buffer.concat([hello, head(1)]))
  await isAlive()
  socket.destroy()
  await isAlive()
  assert.equal(gateway.pid, pid)
  assert.doesNotMatch(gateway.log(), /by a defect/)
})

/** Calls on connections of their own that do as they like with what they send. */
async function crowd(connections: number, calls: number, bytes: Uint8Array) {
  const endings: number[] = []
  const sessions = await Promise.all(Array.from({ length: connections }, async () => {
    const socket = await upgraded(socketPath, '/grpc')
    const session = connect('http://x', { createConnection: () => socket as Socket, maxSessionMemory: 1000 }).on('error', () => {})
    for (let count = 0; count < calls; count++) {
      const call = session.request({ ':method': 'POST', ':path': `/${control}/Status`, te: 'trailers', 'content-type': 'application/grpc' })
      call.on('error', () => {}).on('response', (headers) => { if (headers['grpc-status'] !== undefined) endings.push(Number(headers['grpc-status'])) }).resume()
      call.write(bytes)
    }
    return session
  }))
  return { endings, sessions, leave: () => { for (const session of sessions) session.destroy() } }
}

test('more than may be under way at one time is refused, not held in memory, whether messages are whole or not', async () => {
  const message = Buffer.concat([Buffer.from([0]), uint32(15 * 1024 * 1024), Buffer.alloc(15 * 1024 * 1024)])
  for (const bytes of [message, message.subarray(0, -1)]) {
    const before = resources().megabytes
    const { endings, leave } = await crowd(4, 10, bytes)
    // Two of them are held; a message that is whole could be the first of many, so its call goes on.
    await until(() => endings.length >= 38, 'the others are refused', 120_000)
    assert.ok(endings.every((code) => code === codes.exhausted), String(endings))
    assert.ok(resources().megabytes < before + 250, `the gateway grew from ${before} to ${resources().megabytes} MB`)
    leave()
    await isAlive()
  }
})

test('more connections and calls than builds need are refused', async () => {
  const { endings, sessions, leave } = await crowd(8, 120, Buffer.alloc(1))
  await until(() => endings.length >= 8 * 120 - 768, 'calls beyond the limit are refused', 120_000)
  assert.ok(endings.every((code) => code === codes.exhausted), String(endings))
  leave()
  const more = await Promise.allSettled(Array.from({ length: 120 }, () => upgraded(socketPath, '/grpc')))
  const opened = more.filter((one) => one.status === 'fulfilled').map(({ value }) => value.on('error', () => {}))
  assert.ok(opened.length <= 96 && more.some((one) => one.status === 'rejected' && /answered 429/.test(String(one.reason))), String(opened.length))
  for (const socket of opened) socket.destroy()
  assert.equal(sessions.length, 8)
  await isAlive()
})
