import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { der, derInteger, derTime, tags } from '../../lib/der.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('DER', () => {
  for (const [size, head] of [[0, '0400'], [127, '047f'], [128, '048180'], [255, '0481ff'], [256, '04820100'], [70_000, '0483011170']] as const) {
    test(`writes the length ${size} as short as it goes`, () => assert.equal(hex(der(tags.octets, new Uint8Array(size))), head + '00'.repeat(size)))
  }

  for (const [bytes, written] of [['', '020100'], ['00', '020100'], ['7f', '02017f'], ['80', '02020080'], ['0080', '02020080'], ['0001', '020101'], ['ff00', '020300ff00']] as const) {
    test(`writes the number ${bytes} as short as it goes, and never as a negative one`, () => assert.equal(hex(derInteger(Buffer.from(bytes, 'hex'))), written))
  }

  test('writes moments with two digits of the year until 2049', () => {
    assert.equal(Buffer.from(derTime(new Date('2049-12-31T23:59:59.9Z'))).toString('latin1'), '\x17\x0d491231235959Z')
    assert.equal(Buffer.from(derTime(new Date('2050-01-01T00:00:00Z'))).toString('latin1'), '\x18\x0f20500101000000Z')
  })

  test('puts parts one after the other', () => assert.equal(hex(der(tags.sequence, derInteger(Uint8Array.of(1)), new Uint8Array(0), derInteger(Uint8Array.of(2)))), '3006020101020102'))
})
