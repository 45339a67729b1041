import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { chunksOf } from '../../infra/chunks.ts'

/** A stream of that many chunks of that size, each filled with its number, and how many were taken from it. */
function source(count: number, size: number, failure?: Error) {
  const taken = { chunks: 0 }
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      if (taken.chunks < count) this.push(Buffer.alloc(size, taken.chunks++ % 256))
      else if (failure) this.destroy(failure)
      else this.push(null)
    },
  })
  return { taken, stream }
}

test('every chunk arrives in its order, whoever is slower', async () => {
  for (const slow of [false, true]) {
    const seen: number[] = []
    for await (const chunk of chunksOf(source(2000, 4096).stream)) {
      if (slow) await turn()
      assert.equal(chunk.length, 4096)
      seen.push(chunk[0]!)
    }
    assert.deepEqual(seen, Array.from({ length: 2000 }, (_, index) => index % 256))
  }
})

for (const { size, most } of [{ size: 64 * 1024, most: 20 }, { size: 1, most: 1100 }]) {
  test(`no more is held than so much, in chunks of ${size} bytes, and the rest comes when that is taken`, async () => {
    const { taken, stream } = source(4000, size)
    const chunks = chunksOf(stream)
    await chunks.next()
    for (let index = 0; index < 5000; index++) await turn()
    assert.ok(taken.chunks > 5 && taken.chunks <= most, `${taken.chunks} chunks were taken`)
    let left = 0
    for await (const _ of chunks) left++
    assert.equal(left, 3999)
  })
}

test('what was held comes before the failure, and the failure more than once', async () => {
  const chunks = chunksOf(source(20, 10, new Error('lost')).stream)
  const seen: number[] = []
  await assert.rejects(async () => { for await (const chunk of chunks) seen.push(chunk[0]!) }, /lost/)
  assert.equal(seen.length, 20)
  await assert.rejects(async () => chunks.next(), /lost/)
})

test('a stream that is destroyed without an end fails who waits for it', async () => {
  const stream = new PassThrough()
  const waiting = chunksOf(stream).next()
  stream.destroy()
  await assert.rejects(waiting, /closed before its end/)
})

test('who leaves early may go on, and the stream lives', async () => {
  const { stream } = source(500, 64 * 1024)
  const chunks = chunksOf(stream)
  for await (const _ of chunks) break
  assert.equal(stream.destroyed, false)
  assert.equal((await chunks.next()).value![0], 1)
})

test('what is dropped runs to its end and holds nothing', async () => {
  const { stream, taken } = source(500, 64 * 1024)
  const chunks = chunksOf(stream)
  await chunks.next()
  const ended = new Promise((resolve) => stream.on('end', resolve))
  chunks.drop()
  await ended
  assert.equal(taken.chunks, 500)
  assert.deepEqual(await chunks.next(), { done: true, value: undefined })
})
