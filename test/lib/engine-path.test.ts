import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath } from '../../lib/go.ts'
import { at } from '../../lib/engine-path.ts'
import { wire } from '../../lib/wire.ts'

describe('paths of an engine', () => {
  it('hold ids, stored names and references as they are', () => {
    assert.equal(at`/containers/${'4f'.repeat(32)}/json`, `/containers/${'4f'.repeat(32)}/json`)
    assert.equal(at`/volumes/${'abcdefghijklmnop.my_data-1'}`, '/volumes/abcdefghijklmnop.my_data-1')
    assert.equal(at`/images/${'moorage.invalid/ns/x:1'}/json`, '/images/moorage.invalid/ns/x:1/json')
    assert.equal(at`/images/${'sha256:00'}/tag`, '/images/sha256:00/tag')
  })

  it('cannot be ended, lengthened or climbed out of by what is put into them', () => {
    for (const [hole, path] of [['a?force=1', '/networks/a%3Fforce%3D1'], ['a#b', '/networks/a%23b'], ['a%2e', '/networks/a%252e'], ['a b', '/networks/a%20b'], ['a\r\nb', '/networks/a%0D%0Ab']]) {
      assert.equal(at`/networks/${hole!}`, path)
    }
    for (const hole of ['', '.', '..', '../images', 'a/..', 'a/./b', 'a//b', '/a', 'a/']) assert.throws(() => at`/containers/${hole}/json`, /is no part of an engine's path/, hole)
  })

  it('are read by an engine as what was put into them, whatever it was', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1 }).filter((hole) => !/\p{Cc}/u.test(hole)), fc.string(), (hole, value) => {
      let path
      try {
        path = at`/containers/${hole}/json`
      } catch {
        return
      }
      const { path: target } = wire({ method: 'GET', path, version: '1.51', query: { [hole]: value } })
      assert.match(target, /^[!-~]+$/)
      const read = canonicalPath(target)
      assert.deepEqual([read.path, read.redirect], [`/containers/${hole}/json`, undefined])
      assert.deepEqual([...new URLSearchParams(read.query)], [[hole, value]])
    }))
  })
})
