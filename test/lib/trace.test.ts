import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childTrace } from '../../lib/trace.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'
const hex = () => 'ab'.repeat(32)

describe('a trace context', () => {
  test('goes on in the same trace, with a parent id of the gateway', () => {
    assert.equal(childTrace(`00-${trace}-${parent}-01`, hex), `00-${trace}-${'ab'.repeat(8)}-01`)
  })

  test('of a later version is read as far as it is known', () => {
    assert.equal(childTrace(`01-${trace}-${parent}-01-more`, hex), `00-${trace}-${'ab'.repeat(8)}-01`)
  })

  for (const [what, header] of Object.entries({
    'none': undefined, 'an empty one': '', 'upper case': `00-${trace.toUpperCase()}-${parent}-01`, 'a zero trace': `00-${'0'.repeat(32)}-${parent}-01`,
    'a zero parent': `00-${trace}-${'0'.repeat(16)}-01`, 'more than version 0 has': `00-${trace}-${parent}-01-more`, 'version ff': `ff-${trace}-${parent}-01`,
    'a line break': `00-${trace}-${parent}-01\r\nX: y`,
  })) {
    test(`is left out when the caller sent ${what}`, () => assert.equal(childTrace(header, hex), undefined))
  }
})
