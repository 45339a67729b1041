import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compileGlob } from '../../lib/filters/glob.ts'
import { filterBool, matchesLabels, regexpTest } from '../../lib/filters/match.ts'
import { parseFilters, type Filters } from '../../lib/filters/parse.ts'
import { Refusal } from '../../lib/refusal.ts'

const accepted = ['label', 'name', 'dangling']
const of = (entries: Record<string, string[]>): Filters => new Map(Object.entries(entries))

function refused(call: () => unknown, message: string | RegExp): void {
  assert.throws(call, (error) => error instanceof Refusal && error.status === 400
    && (typeof message === 'string' ? error.message === message : message.test(error.message)))
}

describe('filters', () => {
  it('are read in both forms', () => {
    const table: [string | undefined, Record<string, string[]>][] = [
      [undefined, {}], ['', {}], ['{}', {}], ['null', {}], ['{"label":{}}', { label: [] }], ['{"label":null}', { label: [] }], ['{"label":[]}', { label: [] }],
      ['{"name":["a","b","a"]}', { name: ['a', 'b'] }], ['{"name":{"a":true,"b":false},"label":{"k=v":true}}', { name: ['a', 'b'], label: ['k=v'] }],
      ['{"name":[null]}', { name: [''] }], ['{"name":{"a":null},"label":null}', { name: ['a'], label: [] }],
    ]
    for (const [raw, filters] of table) assert.deepEqual(parseFilters(raw, accepted), of(filters), String(raw))
  })

  it('are refused with the texts of the engine', () => {
    for (const raw of ['[]', '"x"', '1', 'true', '{', '{} x', '{"name":"a"}', '{"name":[1]}', '{"name":{"a":1}}', '{"name":["a"],"label":{"b":true}}', '{"name":[],"name":[]}', '{"name":1.0}']) {
      refused(() => parseFilters(raw, accepted), 'invalid filter')
    }
    refused(() => parseFilters('{"Label":["a"]}', accepted), "invalid filter 'Label'")
    refused(() => parseFilters('{"__proto__":{}}', accepted), "invalid filter '__proto__'")
    refused(() => parseFilters('{"toString":{}}', accepted), "invalid filter 'toString'")
    assert.deepEqual(parseFilters('{"whatever":["a"]}'), of({ whatever: ['a'] }))
  })

  it('are refused when they are larger than any client sends', () => {
    refused(() => parseFilters(JSON.stringify({ name: ['a'.repeat(5000)] }), accepted), /4096 characters/)
    refused(() => parseFilters(JSON.stringify({ name: Array.from({ length: 1001 }, (_, i) => `n${i}`) }), accepted), /1000 values/)
    refused(() => parseFilters(' '.repeat(70_000), accepted), /65536 characters/)
  })

  it('hold the same values in either form', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.uniqueArray(fc.string().filter((text) => !/^\d+$/.test(text)))), (lists) => {
      const sets = Object.fromEntries(Object.entries(lists).map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))]))
      assert.deepEqual(parseFilters(JSON.stringify(lists)), parseFilters(JSON.stringify(sets)))
    }))
  })
})

describe('filter values', () => {
  it('are labels that must all be there', () => {
    const labels = { a: '1', b: '', 'c=d': 'x' }
    const table: [string[], boolean][] = [
      [[], true], [['a'], true], [['a=1', 'b'], true], [['a=2'], false], [['b='], true], [['a', 'z'], false], [['A'], false], [['a='], false], [['toString'], false], [['c=d'], false],
    ]
    for (const [values, matches] of table) assert.equal(matchesLabels(of({ label: values }), 'label', labels), matches, String(values))
    for (const none of [null, undefined, {}]) assert.deepEqual([matchesLabels(of({}), 'label', none), matchesLabels(of({ label: ['a'] }), 'label', none)], [true, false])
  })

  it('are booleans in four words', () => {
    assert.deepEqual([filterBool(of({}), 'x', true), filterBool(of({ x: ['1', 'true'] }), 'x', false), filterBool(of({ x: ['0'] }), 'x', true)], [true, true, false])
    refused(() => filterBool(of({ x: [] }), 'x', true), "invalid filter 'x'")
    refused(() => filterBool(of({ x: ['yes'] }), 'x', true), "invalid filter 'x=[yes]'")
    refused(() => filterBool(of({ x: ['1', '0'] }), 'x', true), "invalid filter 'x=[1 0]'")
  })

  it('are unanchored regular expressions of Go', () => {
    const table: [string, string, boolean][] = [
      ['db', 'mydb1', true], ['^/?db$', '/db', true], ['^/?db$', 'db2', false], ['(?i)DB', 'db', true], ['d.b', 'd.b', true], ['d.b', 'dxb', true],
      ['[', '[', true], ['[', 'x', false], ['(?=d)', 'd', false], ['\\d+\\z', 'a12', true], ['', 'x', true], ['a/b', 'xa/bx', true], ['[[:alpha:]]+', '12a', true],
    ]
    for (const [pattern, text, matches] of table) assert.equal(regexpTest(of({ name: [pattern] }), 'name')(text), matches, `${pattern} ${text}`)
    assert.equal(regexpTest(of({ name: ['x', '['] }), 'name')('axa'), true)
  })

  it('that would cost too much are refused, the others are linear', () => {
    refused(() => regexpTest(of({ name: [`^${'a'.repeat(1024)}`] }), 'name'), /1024 characters/)
    for (const values of [['(x{10}){100}'.repeat(80)], [`(?:${'a'.repeat(980)}){1000}`], Array.from({ length: 60 }, (_, i) => `^x{900}${i}`)]) {
      refused(() => regexpTest(of({ name: values }), 'name'), /repeat too much/)
    }
    assert.equal(regexpTest(of({ name: ['^(a+)+$'] }), 'name')(`${'a'.repeat(50_000)}!`), false)
    assert.equal(regexpTest(of({ name: ['^[a-z]{3,8}-[0-9]{4}-[0-9]{6}$'] }), 'name')('job-2024-123456'), true)
  })
})

describe('a glob', () => {
  const table: [string, string, boolean | undefined][] = [
    ['abc', 'abc', true], ['*', 'abc', true], ['*c', 'abc', true], ['a*', 'a', true], ['a*', 'ab/c', false], ['a*/b', 'abc/b', true], ['a*/b', 'a/c/b', false],
    ['a*b*c*d*e*/f', 'axbxcxdxe/f', true], ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff', false], ['a*b?c*x', 'abxbbxdbxebxczzx', true], ['a*b?c*x', 'abxbbxdbxebxczzy', false],
    ['ab[c]', 'abc', true], ['ab[b-d]', 'abc', true], ['ab[e-g]', 'abc', false], ['ab[^c]', 'abc', false], ['ab[^e-g]', 'abc', true], ['a\\*b', 'a*b', true],
    ['a\\*b', 'ab', false], ['a?b', 'a☺b', true], ['a[^a]b', 'a☺b', true], ['a???b', 'a☺b', false], ['[a-ζ]*', 'α', true], ['*[a-ζ]', 'A', false],
    ['a?b', 'a/b', false], ['a*b', 'a/b', false], ['[\\]a]', ']', true], ['[\\-x]', '-', true], ['[x\\-]', 'z', false], ['[]a]', ']', undefined], ['[-]', '-', undefined],
    ['[x-]', 'x', undefined], ['[-x]', 'x', undefined], ['[a-b-c]', 'a', undefined], ['[', 'a', undefined], ['[^', 'a', undefined], ['[^bc', 'a', undefined],
    ['a[', 'a', undefined], ['a[', 'ab', undefined], ['*x', 'xxx', true], ['\\', 'a', undefined], ['a[b/]c', 'a/c', true], ['[z-a]', 'b', false], ['[^z-a]', '/', true],
    ['', '', true], ['', 'a', false], ['a.c', 'abc', false], ['busy*', 'busybox:latest', true], ['*/busybox', 'busybox', false], ['[', '', undefined],
  ]
  for (const [pattern, name, matches] of table) {
    it(`${pattern} ${matches === undefined ? 'is malformed' : matches ? 'matches' : 'does not match'} ${name}`, () => assert.equal(compileGlob(pattern)?.(name), matches))
  }

  it('without special characters matches itself alone, and with all of them escaped too', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()), fc.string(), (name, other) => {
      const pattern = [...name].map((char) => `\\${char}`).join('')
      assert.equal(compileGlob(pattern)?.(name), true)
      assert.equal(compileGlob(pattern)?.(other), name === other)
    }))
  })
})
