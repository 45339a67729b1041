import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { firstJsonEnd, foldKey, LosslessNumber, parseAnswer, parseRequestJson, stringify } from '../../lib/json.ts'
import { Refusal } from '../../lib/refusal.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const read = (text: string) => parseRequestJson(bytes(text))

function refused(text: string | Uint8Array, message: RegExp): void {
  assert.throws(() => parseRequestJson(typeof text === 'string' ? bytes(text) : text), (error) =>
    error instanceof Refusal && error.status === 400 && /^(invalid JSON: |unexpected content after JSON$)/.test(error.message) && message.test(error.message))
}

describe('the JSON of a request', () => {
  it('keeps every 64-bit integer', () => {
    assert.deepEqual(read('[9223372036854775807,-9223372036854775808,9007199254740991,0,-0]'),
      [9223372036854775807n, -9223372036854775808n, 9007199254740991, 0, 0])
  })

  it('tells fractions, exponents and endless digits from integers', () => {
    for (const text of ['1.0', '6e7', '6E+7', '0.5', '1'.repeat(5000)]) assert.ok(read(text) instanceof LosslessNumber, text)
  })

  it('is written out with the digits it came with', () => {
    const text = '{"a":9223372036854775807,"b":[1.0,6e7,-0.50],"c":12}'
    assert.equal(stringify(read(text)), text)
  })

  it('is refused with the text of the engine when the body is empty', () => {
    for (const text of ['', ' \r\n\t']) refused(text, /^invalid JSON: got EOF while reading request body$/)
  })

  it('is refused when it is not exactly one JSON value', () => {
    for (const text of ['{', '{}]', '{}{}', '{} x', 'nul', '[1,]', '{"a":1,}', "{'a':1}", '01', '+1', '.5', '1.', '[NaN]', '\ufeff{}', '"\t"', '"\\x"', '//\n1']) {
      refused(text, /./)
    }
  })

  it('is refused when a key occurs twice in an object, however it is written', () => {
    for (const text of ['{"a":1,"a":2}', '{"a":1,"a":1}', '{"a":{},"a":[]}', '[{"a":1,"\\u0061":null}]', '{"__proto__":1,"__proto__":1}']) {
      refused(text, /twice/)
    }
    assert.deepEqual(read('{"a":{"b":":"},"c":{"b":"\\":{"}}'), { a: { b: ':' }, c: { b: '":{' } })
  })

  it('is refused below 32 levels and read above', () => {
    assert.ok(read('['.repeat(32) + ']'.repeat(32)))
    refused('['.repeat(33) + ']'.repeat(33), /32 levels/)
    refused('{"a":'.repeat(200_000), /32 levels/)
  })

  it('is refused when it is not UTF-8 or has an unpaired surrogate', () => {
    refused(new Uint8Array([0x22, 0xff, 0x22]), /UTF-8/)
    for (const text of ['"\\ud800"', '{"\\udc00":1}']) refused(text, /surrogate/)
    assert.equal(read('"\\ud83d\\ude00"'), '😀')
  })

  it('may have a key named __proto__ that is only a key', () => {
    const value = read('{"__proto__":{"Privileged":true}}') as Record<string, unknown>
    assert.deepEqual(Object.keys(value), ['__proto__'])
    assert.equal(value['Privileged'], undefined)
  })

  it('is what JSON.parse reads, for whatever JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value)
      fc.pre(text.isWellFormed() && !/\\ud[89a-f]/i.test(text))
      assert.deepEqual(JSON.parse(stringify(read(text))), JSON.parse(text))
    }))
  })
})

describe('the first JSON value of a body without end', () => {
  const table: [string, number | undefined][] = [
    ['{"Detach":false}stdin', 16], [' {"a":"}"}x', 10], ['{"a":"\\"}"}', 11], ['[[1],{}]]', 8], ['"a\\\\"b', 5],
    ['true1', 4], ['nul', undefined], ['null', 4], ['12', undefined], ['12 ', 2], ['', undefined], [' \n', undefined],
    ['{', undefined], ['{"a', undefined], ['"\\"', undefined], [']', 1], ['x{}', 1],
  ]
  for (const [text, end] of table) it(`${JSON.stringify(text)} ends at ${end}`, () => assert.equal(firstJsonEnd(bytes(text)), end))

  it('ends where the value ends, whatever follows, and nowhere before', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue())
    fc.assert(fc.property(object, fc.string({ unit: 'binary' }), (value, rest) => {
      const text = bytes(JSON.stringify(value))
      assert.equal(firstJsonEnd(new Uint8Array([...text, ...bytes(rest)])), text.length)
      assert.equal(firstJsonEnd(text.subarray(0, -1)), undefined)
    }))
  })
})

describe('an answer of the engine', () => {
  it('is written out with the same digits', () => {
    const text = '{"timeNano":1764000000123821983,"memory":-9223372036854771712,"max":18446744073709551615,"small":1234567890123456,"f":0.25}'
    assert.equal(stringify(parseAnswer(text)), text)
    assert.equal(parseAnswer(text).small, 1234567890123456)
    assert.equal(stringify(parseAnswer('1764000000123821983')), '1764000000123821983')
    assert.equal(stringify(parseAnswer('[1,1764000000123821983]')), '[1,1764000000123821983]')
  })

  it('keeps all integers, whatever surrounds them', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }), fc.string())), (value) => {
      const text = stringify(value)
      assert.equal(stringify(parseAnswer(text)), text)
    }))
  })

  it('shows a circle as the error it is', () => {
    const circle: unknown[] = []
    circle.push(circle)
    assert.throws(() => stringify(circle), TypeError)
  })
})

describe('a key', () => {
  it('folds as encoding/json folds field names', () => {
    for (const key of ['NetworkMode', 'networkmode', 'NETWOR\u212aMODE', 'NetworKMode']) assert.equal(foldKey(key), 'networkmode')
    assert.equal(foldKey('Bind\u017f'), 'binds')
    assert.notEqual(foldKey('\u0130d'), 'id')
  })
})
