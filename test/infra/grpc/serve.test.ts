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

before(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => { served.push({ socket: new WeakRef(socket), serving: serveGrpc(socket, service, budget(4 * messageLimit), (what, error) => { throw new Error(`failed ${what}`, { cause: error }) }) }) })
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
