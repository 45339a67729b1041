import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { budget, framed, messageLimit, messages, type Budget } from '../../../infra/grpc/frames.ts'
import { endIn, metadataOf, trailersOf } from '../../../infra/grpc/headers.ts'
import { GrpcError } from '../../../lib/grpc.ts'

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes.length === 0 ? bytes.length : sizes[index % sizes.length]!
    yield bytes.subarray(at, at += size)
  }
}

async function collected(bytes: AsyncIterable<Uint8Array>, held: Budget = budget(messageLimit)): Promise<Buffer[]> {
  const found: Buffer[] = []
  for await (const message of messages(bytes, held)) found.push(Buffer.from(message))
  return found
}

test('messages come out as they went in, however the stream is cut', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), fc.array(fc.integer({ min: 1, max: 20 })), async (sent, sizes) => {
    const held = budget(1_000)
    const received = await collected(pieces(Buffer.concat(sent.map(framed)), sizes), held)
    assert.deepEqual(received, sent.map((message) => Buffer.from(message)))
    assert.ok(held.take(1_000), 'all that was held is given back')
  }))
})

test('a stream that ends early, is compressed, too large or beyond the budget fails, and gives back what it held', async () => {
  for (const [bytes, code] of [[Buffer.from([0, 0]), 13], [framed(Buffer.alloc(5)).subarray(0, 8), 13], [Buffer.from([1, 0, 0, 0, 0]), 12], [Buffer.from([0, 1, 0, 0, 1]), 8], [framed(Buffer.alloc(200)), 8]] as const) {
    const held = budget(100)
    await assert.rejects(collected(pieces(bytes, [3]), held), (error) => error instanceof GrpcError && error.code === code)
    assert.ok(held.take(100))
  }
})

test('a reader that stops gives back what is held for it', async () => {
  const held = budget(100)
  for await (const _ of messages(pieces(framed(Buffer.alloc(50)), []), held)) break
  assert.ok(held.take(100))
})

test('the end of a call survives its way through trailers, whatever it says', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 16 }), fc.string({ unit: 'grapheme' }), fc.option(fc.uint8Array({ minLength: 1 }), { nil: undefined }), (code, message, details) => {
    const trailers = trailersOf(new GrpcError(code, message, details))
    assert.match(trailers['grpc-message']!, /^[\x20-\x7e]*$/)
    const end = endIn(trailers)!
    assert.deepEqual([end.code, end.message, end.details], [code, message.toWellFormed(), details])
  }))
  assert.equal(endIn(trailersOf(undefined)), undefined)
  assert.equal(endIn({})!.code, 2)
})

test('metadata keeps repeated names apart and leaves the transport\'s out', () => {
  assert.deepEqual({ ...metadataOf([':path', '/x', 'A', '1', 'a', '2', 'te', 'trailers', 'content-type', 'application/grpc', '__proto__', 'x']) }, { a: ['1', '2'], ['__proto__']: ['x'] })
})
