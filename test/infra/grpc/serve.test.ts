import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { grpcChannel } from '../../../infra/grpc/channel.ts'
import { budget, messageLimit } from '../../../infra/grpc/frames.ts'
import { serveGrpc, type GrpcServing } from '../../../infra/grpc/serve.ts'
import { codes, GrpcError, type GrpcChannel, type GrpcService } from '../../../lib/grpc.ts'
import { until } from '../../setup/processes.ts'

const directory = mkdtempSync(join(tmpdir(), 'moorage-serve-'))
const path = join(directory, 'socket')
let server: Server
let served: { socket: WeakRef<Socket>; serving: GrpcServing }[] = []

/** Answers each message with itself; methods with names of their own do what they say. */
const service: GrpcService = async function* ({ method, requests, signal, metadata }) {
  if (method === 'x.Y/Fail') throw new GrpcError(codes.notFound, 'nichts da: ü%', Uint8Array.of(1, 2, 3))
  if (method === 'x.Y/Hang') return void await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  if (method === 'x.Y/Metadata') return yield Buffer.from(JSON.stringify(metadata['a']))
  for await (const message of requests) {
    yield message
    if (method === 'x.Y/FailLate') throw new GrpcError(codes.internal, 'late')
  }
}

const allowance = { calls: budget(1000), held: budget(4 * messageLimit), unsent: budget(4 * messageLimit) }

before(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => { served.push({ socket: new WeakRef(socket), serving: serveGrpc(socket, service, allowance, (what, error) => { throw new Error(`failed ${what}`, { cause: error }) }) }) })
  server.listen(path)
  await once(server, 'listening')
})
after(() => {
  server.close()
  rmSync(directory, { recursive: true })
})

async function* just(...messages: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* messages
}

const open = () => grpcChannel(connect(path), 'test')
const never = new AbortController().signal

async function call(channel: GrpcChannel, method: string, messages: Uint8Array[] = [], signal = never, metadata = {}): Promise<Buffer[]> {
  const answers: Buffer[] = []
  for await (const answer of channel.call({ method, metadata, requests: just(...messages), signal })) answers.push(Buffer.from(answer))
  return answers
}

test('messages go both ways, many and large ones too', async () => {
  const channel = open()
  const sent = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(3_000_000, 'x'), Buffer.alloc(messageLimit)]
  assert.deepEqual(await call(channel, 'x.Y/Echo', sent), sent)
  const all = await Promise.all(Array.from({ length: 200 }, (_, index) => call(channel, 'x.Y/Echo', [Buffer.from(String(index))])))
  assert.deepEqual(all.map(([answer]) => String(answer)), Array.from({ length: 200 }, (_, index) => String(index)))
  channel.close()
})

test('errors keep code, text and details, before and after messages', async () => {
  const channel = open()
  await assert.rejects(call(channel, 'x.Y/Fail'), (error) => error instanceof GrpcError && error.code === codes.notFound && error.message === 'nichts da: ü%' && String(error.details) === '1,2,3')
  await assert.rejects(call(channel, 'x.Y/FailLate', [Buffer.from('a')]), (error) => error instanceof GrpcError && error.code === codes.internal && error.message === 'late')
  channel.close()
})

test('repeated metadata stays apart', async () => {
  const channel = open()
  assert.equal(String((await call(channel, 'x.Y/Metadata', [], never, { a: ['1', '2'] }))[0]), '["1","2"]')
  channel.close()
})

test('a call that is given up is given up on the other side', async () => {
  const channel = open()
  const giving = new AbortController()
  const hanging = call(channel, 'x.Y/Hang', [], giving.signal)
  giving.abort()
  await assert.rejects(hanging, (error) => error instanceof GrpcError && error.code === codes.cancelled)
  assert.equal((await call(channel, 'x.Y/Echo', [Buffer.from('on')])).length, 1)
  channel.close()
})

test('calls on a lost connection are unavailable', async () => {
  const channel = open()
  await call(channel, 'x.Y/Echo')
  const hanging = call(channel, 'x.Y/Hang')
  served.at(-1)!.serving.close()
  await assert.rejects(hanging, (error) => error instanceof GrpcError && error.code === codes.unavailable)
  await assert.rejects(call(channel, 'x.Y/Echo'), (error) => error instanceof GrpcError && error.code === codes.unavailable)
  await until(() => channel.closed.aborted, 'The channel says that it is closed', 60_000)
})

test('a connection that is to end when idle ends after its last call', async () => {
  const channel = open()
  const giving = new AbortController()
  const hanging = call(channel, 'x.Y/Hang', [], giving.signal)
  await call(channel, 'x.Y/Echo')
  const { serving } = served.at(-1)!
  serving.endWhenIdle()
  assert.deepEqual(await call(channel, 'x.Y/Echo', [Buffer.from('still')]), [Buffer.from('still')])
  giving.abort()
  await hanging.catch(() => {})
  await serving.ended
})

test('more calls, more bytes held and more answers that are not taken than allowed are refused, and all is given back', async () => {
  const channel = open()
  const refused = (error: unknown) => error instanceof GrpcError && error.code === codes.resourceExhausted
  const giving = new AbortController()
  const hanging = [call(channel, 'x.Y/Hang', [], giving.signal)]
  await call(channel, 'x.Y/Echo')
  // What is left of a budget, without taking it.
  const left = (what: keyof typeof allowance, bytes: number) => allowance[what].take(bytes) && (allowance[what].give(bytes), true)
  const held = Array.fromAsync(channel.call({ method: 'x.Y/Echo', metadata: {}, requests: endless(), signal: giving.signal }))
  hanging.push(held.then(() => []))
  await until(() => !left('calls', 999), 'both calls are under way', 60_000)
  allowance.calls.take(998)
  await assert.rejects(call(channel, 'x.Y/Echo', [Buffer.from('a')]), refused)
  allowance.calls.give(998)
  // The whole of a message that has been read counts until its call is over.
  const rest = 4 * messageLimit - 2005
  await until(() => !left('held', rest + 1), 'the message is held', 60_000)
  allowance.held.take(rest - 100)
  await assert.rejects(call(channel, 'x.Y/Echo', [Buffer.alloc(96)]), refused)
  assert.equal((await call(channel, 'x.Y/Echo', [Buffer.alloc(95), Buffer.alloc(95)])).length, 2)
  allowance.held.give(rest - 100)
  allowance.unsent.take(4 * messageLimit - 10)
  await assert.rejects(call(channel, 'x.Y/Echo', [Buffer.alloc(11)]), refused)
  allowance.unsent.give(4 * messageLimit - 10)
  giving.abort()
  await Promise.all(hanging.map((one) => one.catch(() => {})))
  for (const [what, most] of [['calls', 1000], ['held', 4 * messageLimit], ['unsent', 4 * messageLimit]] as const) await until(() => left(what, most), `${what} are given back`, 60_000)
  channel.close()

  async function* endless() {
    yield Buffer.alloc(2000)
    await new Promise((resolve) => giving.signal.addEventListener('abort', resolve))
  }
})

test('connections that are over leave nothing in memory', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let index = 0; index < 20; index++) {
    const channel = open()
    await call(channel, 'x.Y/Echo', [Buffer.alloc(1000)])
    channel.close()
  }
  const sockets = served.map(({ socket }) => socket)
  await Promise.all(served.map(({ serving }) => serving.ended))
  served = []
  await until(() => {
    gc()
    return sockets.every((socket) => socket.deref() === undefined)
  }, 'The sockets are collected', 60_000)
})

test('a call whose caller fails to say more is over, with that failure, and harms nothing else', async () => {
  const channel = open()
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('first')
    throw new Error('no more')
  }
  const unhandled: unknown[] = []
  const listen = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', listen)
  try {
    for (const method of ['x.Y/Hang', 'x.Y/Echo']) {
      await assert.rejects(async () => { for await (const _ of channel.call({ method, metadata: {}, requests: failing(), signal: never })) { /* read */ } }, /no more/)
    }
    // Said after everything that waits has run.
    await new Promise((resolve) => { setImmediate(resolve) })
    assert.deepEqual(unhandled, [])
  } finally {
    process.off('unhandledRejection', listen)
  }
  assert.deepEqual(await call(channel, 'x.Y/Echo', [Buffer.from('a')]), [Buffer.from('a')])
  channel.close()
})
