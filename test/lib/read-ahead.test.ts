import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { readAhead } from '../../lib/read-ahead.ts'

/** Chunks of that size, and how many were taken. */
function source(count: number, size: number, failure?: Error) {
  const taken = { chunks: 0, returned: false }
  async function* chunks() {
    try {
      for (; taken.chunks < count; ) {
        if (taken.chunks % 3 === 0) await turn()
        yield new Uint8Array(size).fill(taken.chunks++)
      }
      if (failure) throw failure
    } finally {
      taken.returned = true
    }
  }
  return { taken, chunks: chunks() }
}

test('every chunk arrives in its order, whoever is slower', async () => {
  for (const slow of [false, true]) {
    const seen: number[] = []
    for await (const chunk of readAhead(source(200, 10).chunks, 100)) {
      if (slow) await turn()
      seen.push(chunk[0]!)
    }
    assert.deepEqual(seen, Array.from({ length: 200 }, (_, index) => index))
  }
})

test('no more is taken than may be held', async () => {
  const { taken, chunks } = source(1000, 10)
  const ahead = readAhead(chunks, 100)
  await ahead.next()
  for (let index = 0; index < 100; index++) await turn()
  assert.ok(taken.chunks > 5 && taken.chunks < 15, `${taken.chunks} chunks were taken`)
})

test('what was held comes before the failure', async () => {
  const seen: number[] = []
  await assert.rejects(async () => {
    for await (const chunk of readAhead(source(20, 10, new Error('lost')).chunks, 1000)) seen.push(chunk[0]!)
  }, /lost/)
  assert.equal(seen.length, 20)
})

test('who leaves early may go on with the source', async () => {
  const { taken, chunks } = source(1000, 10)
  for await (const _ of readAhead(chunks, 100)) break
  for (let index = 0; index < 100; index++) await turn()
  assert.equal(taken.returned, false)
  assert.equal((await chunks.next()).done, false)
})
