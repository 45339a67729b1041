import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainIds, removedLayers, sharedDepth } from '../../../lib/images/layers.ts'

// Layers and chain ids as Engine 28.5 named them for a built image.
const diffs = ['sha256:5e2e7fd480d1c2a502cd9640af9b9dbcc6d63464e0bbff43c203519ebbceae85', 'sha256:5895093ca254b04dbf406916760af2d7a8c2b28de1388cc4899d8d270831f3bb']

test('the chain id of the lowest layer is its diff id, of others a digest over what is below', async () => {
  const [first, second] = await chainIds(diffs)
  assert.equal(first, diffs[0])
  assert.match(second!, /^sha256:3f96b7[0-9a-f]{58}$/)
})

test('layers go from the top down to the first one that somebody else holds', async () => {
  const chain = await chainIds(diffs)
  assert.deepEqual(await removedLayers(diffs, []), [chain[1], chain[0]])
  assert.deepEqual(await removedLayers(diffs, [[diffs[0]!]]), [chain[1]])
  assert.deepEqual(await removedLayers(diffs, [diffs]), [])
  assert.deepEqual(await removedLayers(diffs, [[diffs[1]!]]), [chain[1], chain[0]])
})

test('a layer is shared only with everything below it', () => {
  assert.equal(sharedDepth(['a', 'b', 'c'], [['a', 'x', 'c'], ['b', 'b']]), 1)
  assert.equal(sharedDepth(['a', 'b'], [['a', 'b', 'c']]), 2)
  assert.equal(sharedDepth([], [['a']]), 0)
})
