import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { PassThrough, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { flow } from '../../infra/server/flow.ts'

/** Takes a write a turn later, and remembers each. */
function taker() {
  const writes: Buffer[] = []
  const stream = new Writable({ highWaterMark: 64 * 1024, write(piece, _encoding, done) { writes.push(Buffer.from(piece)); setImmediate(done) } })
  return { stream, writes, bytes: () => Buffer.concat(writes) }
}

test('bytes of many sizes arrive in their order', async () => {
  const pieces = Array.from({ length: 2000 }, (_, index) => randomBytes([1, 100, 16_384, 16_385, 70_000][index % 5]!))
  const from = new PassThrough()
  const to = taker()
  flow(from, to.stream)
  for (const [index, piece] of pieces.entries()) {
    from.write(piece)
    if (index % 7 === 0) await turn()
  }
  from.end()
  await finished(to.stream)
  assert.ok(to.bytes().equals(Buffer.concat(pieces)))
})

test('small pieces of one turn are one write', async () => {
  const from = new PassThrough()
  const to = taker()
  flow(from, to.stream, { end: false })
  for (let index = 0; index < 100; index++) from.write(Buffer.from('x'))
  await turn()
  await turn()
  assert.deepEqual(to.writes.map(String), ['x'.repeat(100)])
  from.end()
  await finished(from)
  assert.equal(to.stream.writableEnded, false)
})

test('a taker that stops holds the giver back', async () => {
  let given = 0
  const from = new Readable({ highWaterMark: 64 * 1024, read() { given++; this.push(Buffer.alloc(8 * 1024)) } })
  const stuck = new Writable({ highWaterMark: 64 * 1024, write() { /* never done */ } })
  flow(from, stuck)
  for (let index = 0; index < 1000; index++) await turn()
  assert.ok(given < 100, `${given} pieces were taken in`)
  from.destroy()
})

test('what comes for a taker that is gone is dropped', async () => {
  const from = new PassThrough()
  const to = taker()
  flow(from, to.stream)
  to.stream.destroy()
  from.end(Buffer.alloc(1000))
  await finished(from.resume())
  assert.equal(to.writes.length, 0)
})
