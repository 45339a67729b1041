import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { choose, type Candidate } from '../../lib/placement.ts'

const host = (name: string, given: Partial<Candidate> = {}): Candidate =>
  ({ name, of: { memory: 100, cpus: 10 }, load: { namespaces: 0, memory: 0, cpus: 0 }, home: false, ...given })
const loaded = (name: string, memory: number, cpus = 0, namespaces = 1) => host(name, { load: { memory, cpus, namespaces } })
const none = { memory: 0, cpus: 0 }

describe('choosing a host', () => {
  it('takes the one that will be the emptiest of what is taken most', () => {
    assert.equal(choose([loaded('a', 50), loaded('b', 30), loaded('c', 40)], { memory: 10, cpus: 1 })?.name, 'b')
    assert.equal(choose([loaded('a', 10, 9), loaded('b', 80, 1)], { memory: 10, cpus: 1 })?.name, 'b')
  })

  it('takes a large host before a small one when both are empty', () => {
    assert.equal(choose([host('small'), host('large', { of: { memory: 1000, cpus: 100 } })], { memory: 10, cpus: 1 })?.name, 'large')
  })

  it('takes none that would be more than full, to the last byte and thousandth of a core', () => {
    assert.equal(choose([loaded('a', 90, 0)], { memory: 11, cpus: 0 }), undefined)
    assert.equal(choose([loaded('a', 90, 9.9)], { memory: 10, cpus: 0.1 })?.name, 'a')
    assert.equal(choose([loaded('a', 0, 9.9)], { memory: 0, cpus: 0.101 }), undefined)
    assert.equal(choose([], none), undefined)
  })

  it('prefers where the trust domain lives, unless that is much fuller', () => {
    const home = (memory: number) => ({ ...loaded('home', memory), home: true })
    assert.equal(choose([loaded('other', 30), home(50)], { memory: 1, cpus: 0 })?.name, 'home')
    assert.equal(choose([loaded('other', 30), home(60)], { memory: 1, cpus: 0 })?.name, 'other')
  })

  it('spreads namespaces that reserve nothing', () => {
    assert.equal(choose([loaded('a', 0, 0, 3), loaded('b', 0, 0, 2)], none)?.name, 'b')
  })
})
