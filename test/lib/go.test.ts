import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, compareVersions, parseBool, parseBoolStrict, parseDuration, parseQuery, parseTime } from '../../lib/go.ts'
import { Refusal } from '../../lib/refusal.ts'

function refused(call: () => unknown, message?: string): void {
  assert.throws(call, (error) => error instanceof Refusal && error.status === 400 && (message === undefined || error.message === message))
}

describe('a query string', () => {
  it('is decoded as url.ParseQuery decodes it', () => {
    assert.deepEqual([...parseQuery('%61ll=1&All=2&&a+b=c%20d+e&x&=y&all=3&t==')],
      [['all', ['1', '3']], ['All', ['2']], ['a b', ['c d e']], ['x', ['']], ['', ['y']], ['t', ['=']]])
    assert.deepEqual([...parseQuery('q=%C3%A9&r=\u00c3\u00a9')], [['q', ['é']], ['r', ['é']]])
    assert.equal(parseQuery('').size, 0)
  })

  it('is refused with the texts of Go', () => {
    refused(() => parseQuery('a=1;b=2'), 'invalid semicolon separator in query')
    refused(() => parseQuery('a=%zz1'), 'invalid URL escape "%zz"')
    refused(() => parseQuery('a=%4'), 'invalid URL escape "%4"')
    refused(() => parseQuery('%'), 'invalid URL escape "%"')
  })

  it('is refused when it holds bytes that are no text', () => {
    for (const raw of ['a=%ff', 'a=\u00ff', 'a=%00', 'a=\u20ac']) refused(() => parseQuery(raw))
  })

  it('gives back every text that was encoded into it', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => value.isWellFormed() && !value.includes('\0'))
    fc.assert(fc.property(text, text, (key, value) => {
      const query = parseQuery(`${encodeURIComponent(key)}=${encodeURIComponent(value).replaceAll('%20', '+')}`)
      assert.deepEqual([...query], [[key, [value]]])
    }))
  })
})

describe('a boolean', () => {
  it('is false only in five words and true in every other', () => {
    for (const value of ['', '0', 'no', 'No', ' FALSE ', 'none\u0085']) assert.equal(parseBool(value, true), false, value)
    for (const value of ['1', 'off', 'n', 'f', 'null', '-1', 'true']) assert.equal(parseBool(value, false), true, value)
    assert.deepEqual([parseBool(undefined, true), parseBool(undefined, false)], [true, false])
  })

  it('is read by strconv.ParseBool where the engine is strict', () => {
    assert.deepEqual(['1', 't', 'T', 'TRUE', 'true', 'True'].map(parseBoolStrict), Array(6).fill(true))
    assert.deepEqual(['0', 'f', 'F', 'FALSE', 'false', 'False'].map(parseBoolStrict), Array(6).fill(false))
    refused(() => parseBoolStrict('yes'), 'strconv.ParseBool: parsing "yes": invalid syntax')
    refused(() => parseBoolStrict(''), 'strconv.ParseBool: parsing "": invalid syntax')
  })
})

describe('a duration', () => {
  const table: [string, bigint | undefined][] = [
    ['10m', 600_000_000_000n], ['1h30m', 5_400_000_000_000n], ['-1.5h', -5_400_000_000_000n], ['+5s', 5_000_000_000n], ['0', 0n],
    ['.5s', 500_000_000n], ['1.s', 1_000_000_000n], ['1ms2us3ns', 1_002_003n], ['1\u00b5s', 1000n], ['1\u03bcs', 1000n],
    ['9223372036854775807ns', 9223372036854775807n], ['-9223372036854775808ns', -9223372036854775808n],
    ['9223372036854775808ns', undefined], ['2562048h', undefined], ['', undefined], ['-', undefined], ['3', undefined], ['1d', undefined],
    ['.s', undefined], ['1 h', undefined], ['h', undefined], ['1e3s', undefined], [`${'9'.repeat(5000)}s`, undefined],
  ]
  for (const [text, value] of table) {
    it(`${text.slice(0, 30)} is ${value ?? 'refused'}`, () => {
      if (value === undefined) refused(() => parseDuration(text), `time: invalid duration "${text}"`)
      else assert.equal(parseDuration(text), value)
    })
  }
})

describe('a moment', () => {
  const now = Date.UTC(2024, 0, 2, 3, 4, 5, 678)
  const at = (text: string) => BigInt(Date.parse(text) / 1000)
  const table: [string, bigint, number][] = [
    ['1136073600', 1136073600n, 0], ['1136073600.000000001', 1136073600n, 1], ['1.5', 1n, 500_000_000], ['1.1234567899', 1n, 123_456_789],
    ['-5', -5n, 0], ['0', 0n, 0], ['10m', at('2024-01-02T02:54:05Z'), 0], ['1h30m', at('2024-01-02T01:34:05Z'), 0], ['-1s', at('2024-01-02T03:04:06Z'), 0],
    ['2006-01-02', at('2006-01-02T00:00:00Z'), 0], ['2006-01-02Z', at('2006-01-02T00:00:00Z'), 0], ['2006-01-02T15', at('2006-01-02T15:00:00Z'), 0],
    ['2006-01-02T15:04', at('2006-01-02T15:04:00Z'), 0], ['2006-01-02T15:04:05.999999999Z', at('2006-01-02T15:04:05Z'), 999_999_999],
    ['2016-03-07T17:28:03.100000000+02:00', at('2016-03-07T15:28:03Z'), 100_000_000], ['2006-01-02-07:00', at('2006-01-02T07:00:00Z'), 0],
    ['1960-01-01T00:00:00.25', at('1960-01-01T00:00:00Z'), 250_000_000], ['0001-01-01T00:00:00Z', -62135596800n, 0],
  ]
  for (const [text, seconds, nanos] of table) {
    it(`${text} is understood`, () => assert.deepEqual(parseTime(text, now), { seconds, nanos }))
  }

  it('that is none is refused', () => {
    refused(() => parseTime('yesterday', now), 'failed to parse value as time or duration: "yesterday"')
    for (const text of ['', '2024-02-30', '2024-01-01T24:00:00Z', '2024-13-01', '1.', '1.-5', '2024-01-01T00:00:00+99:00', '2024-01-01 00:00']) {
      refused(() => parseTime(text, now))
    }
  })
})

describe('a request target', () => {
  it('is split into version, path and query', () => {
    assert.deepEqual(canonicalPath('/v1.51/containers/json?all=1&x=?'), { path: '/containers/json', version: '1.51', query: 'all=1&x=?' })
    assert.deepEqual(canonicalPath('/_ping'), { path: '/_ping', query: '' })
    assert.deepEqual(canonicalPath('/v01.051/networks/'), { path: '/networks/', version: '01.051', query: '' })
    assert.deepEqual(canonicalPath('/v1.51/v1.51/info'), { path: '/v1.51/info', version: '1.51', query: '' })
    assert.deepEqual(canonicalPath('/v1.51'), { path: '/v1.51', query: '' })
    assert.equal(canonicalPath('/vx/info').version, undefined)
  })

  it('is matched decoded, and # is an ordinary character', () => {
    assert.equal(canonicalPath('/%63ontainers%2Fjson').path, '/containers/json')
    assert.equal(canonicalPath('/images/a+b%20c/json').path, '/images/a+b c/json')
    assert.equal(canonicalPath('/info#frag').path, '/info#frag')
    assert.deepEqual(canonicalPath('http://host:1/v1.44/info?a#b'), { path: '/info', version: '1.44', query: 'a#b' })
  })

  it('is redirected to its cleaned form', () => {
    const table: [string, string][] = [
      ['/containers//db/json', '/containers/db/json'], ['//x', '/x'], ['/a/./b', '/a/b'], ['/a/../../b?q=1', '/b?q=1'], ['/a/%2e%2e/b', '/b'],
      ['/a%2F%2Fb', '/a/b'], ['/a/..', '/'], ['/a//b/', '/a/b/'], ['/a//é%20:@$!'.replace('é', '%C3%A9'), '/a/%C3%A9%20:@$%21'],
      ['http://h/a//b?', 'http://h/a/b?'], ['http://h', 'http://h/'],
    ]
    for (const [target, redirect] of table) assert.equal(canonicalPath(target).redirect, redirect, target)
  })

  it('is refused when it is not text or no target', () => {
    for (const target of ['/%ff', '/a%00', '/a%0a', '/a\u0001', '/\u007f', '/%c0%af', 'info', '', '*', '/a?b\n']) refused(() => canonicalPath(target))
    refused(() => canonicalPath('/%zz'), 'invalid URL escape "%zz"')
  })

  it('that needs no redirect holds no empty, dot or parent element', () => {
    const target = fc.array(fc.constantFrom('/', '.', '..', '%2F', '%2e', 'a', 'v1.5', '%25', '?', '//')).map((parts) => `/${parts.join('')}`)
    fc.assert(fc.property(target, (text) => {
      const { path, redirect } = canonicalPath(text)
      const elements = path.slice(1).split('/')
      if (elements.at(-1) === '') elements.pop()
      assert.ok(elements.every((element) => !['', '.', '..'].includes(element)) || path === '/')
      if (redirect !== undefined) assert.equal(canonicalPath(redirect).redirect, undefined)
    }))
  })
})

describe('API versions', () => {
  it('compare by number', () => {
    const table: [string, string, number][] = [['1.9', '1.24', -1], ['1.51', '1.51', 0], ['1.51.0', '01.051', 0], ['2', '1.99', 1], ['v1', '1', -1], ['.', '0.0', 0], ['', '1', -1]]
    for (const [a, b, order] of table) assert.deepEqual([compareVersions(a, b), compareVersions(b, a)], [order, 0 - order], `${a} ${b}`)
  })
})
