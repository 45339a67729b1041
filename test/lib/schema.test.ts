import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defaultPolicy } from '../../lib/policy.ts'
import { drop, flag, int64, list, mapOf, pass, struct, text, textList, textMap, textOrList, uint16 } from '../../lib/schema.ts'
import { containerCreateSchema } from '../../lib/schemas/container-create.ts'
import { readBody, refusalOf } from './schemas/refusal-of.ts'

const inner = struct('inner', { Memory: pass(int64), Binds: pass(textList), Privileged: pass(flag) })
const outer = struct('outer', {
  Image: pass(text), Env: pass(textList), Cmd: pass(textOrList), Labels: pass(textMap), Small: pass(uint16), Old: drop(text),
  HostConfig: pass(inner), Many: pass(list(inner)), ByName: pass(mapOf(inner)),
})

test('keys are compared as Go compares them: any case, U+017F as s, U+212A as k', () => {
  assert.deepEqual(readBody(outer, { image: 'i', hostconfig: { 'BIND\u017f': ['a'], privileged: true } }), { Image: 'i', HostConfig: { Binds: ['a'], Privileged: true } })
  assert.deepEqual(readBody(outer, { LABEL\u017f: { Image: 'x', image: 'y' } }), { Labels: { Image: 'x', image: 'y' } })
})

test('a field given twice under different spellings gets a 400 that names it', () => {
  for (const body of ['{"HostConfig":{"Binds":[],"binds":["/:/x"]}}', '{"HostConfig":{"Binds":null,"Bind\u017f":["/:/x"]}}']) {
    const refusal = refusalOf(() => readBody(outer, body))
    assert.equal(refusal.status, 400)
    assert.match(refusal.message, /^HostConfig\.Binds is given twice .*send it once$/)
  }
})

test('an unknown field gets a 400 that names it, unless it says nothing', () => {
  assert.deepEqual(readBody(outer, { New: null, New2: '', New3: 0, New4: false, New5: [], New6: { a: '' } }), {})
  for (const value of ['x', 1, true, ['x'], { a: 1 }, [0]]) {
    const refusal = refusalOf(() => readBody(outer, { HostConfig: { Foo: value } }))
    assert.equal(refusal.status, 400)
    assert.match(refusal.message, /^HostConfig\.Foo is not a field this gateway knows; /)
  }
})

test('null is unset everywhere; in lists and maps it is the zero value', () => {
  assert.deepEqual(readBody(outer, { Image: null, HostConfig: null, Small: null, Labels: null }), {})
  assert.deepEqual(readBody(outer, { Env: ['a', null], Labels: { a: null }, Many: [null], ByName: { a: null } }), { Env: ['a', ''], Labels: { a: '' }, Many: [{}], ByName: { a: {} } })
})

const wrong: Array<[string, string]> = [
  ['{"HostConfig":{"Memory":"1"}}', 'string into Go struct field .HostConfig.Memory of type int64'],
  ['{"HostConfig":{"Memory":1.0}}', 'number 1.0 into Go struct field .HostConfig.Memory of type int64'],
  ['{"HostConfig":{"Memory":6e7}}', 'number 6e7 into Go struct field .HostConfig.Memory of type int64'],
  ['{"HostConfig":{"Memory":9223372036854775808}}', 'number 9223372036854775808 into Go struct field .HostConfig.Memory of type int64'],
  ['{"HostConfig":{"Privileged":"true"}}', 'string into Go struct field .HostConfig.Privileged of type bool'],
  ['{"Small":65536}', 'number 65536 into Go struct field .Small of type uint16'],
  ['{"Small":-1}', 'number -1 into Go struct field .Small of type uint16'],
  ['{"Image":80}', 'number into Go struct field .Image of type string'],
  ['{"Old":80}', 'number into Go struct field .Old of type string'],
  ['{"Env":"A=b"}', 'string into Go struct field .Env of type []string'],
  ['{"Env":[1.5]}', 'number into Go struct field .Env of type string'],
  ['{"Cmd":[true]}', 'bool into Go struct field .Cmd of type string'],
  ['{"Labels":["a"]}', 'array into Go struct field .Labels of type map[string]string'],
  ['{"Labels":{"a":{}}}', 'object into Go struct field .Labels of type string'],
  ['[]', 'array into Go value of type outer'],
]

for (const [body, text] of wrong) {
  test(`the body ${body} gets the engine's unmarshal error`, () => {
    const refusal = refusalOf(() => readBody(outer, body))
    assert.equal(refusal.status, 400)
    assert.equal(refusal.message, `invalid JSON: json: cannot unmarshal ${text}`)
  })
}

test('64-bit numbers survive', () => {
  assert.deepEqual(readBody(outer, '{"HostConfig":{"Memory":9223372036854775807}}'), { HostConfig: { Memory: 9223372036854775807n } })
  assert.deepEqual(readBody(outer, '{"HostConfig":{"Memory":-9223372036854775808}}'), { HostConfig: { Memory: -9223372036854775808n } })
})

test('a string is a command of one word, and a command is always a list afterwards', () => {
  assert.deepEqual(readBody(outer, { Cmd: 'true' }), { Cmd: ['true'] })
  assert.deepEqual(readBody(outer, { Cmd: ['a', 'b'] }), { Cmd: ['a', 'b'] })
})

test('NUL bytes and more than 1 MiB of text get a 400', () => {
  assert.equal(refusalOf(() => readBody(outer, { Env: ['A=\0'] })).status, 400)
  assert.equal(refusalOf(() => readBody(outer, { Labels: { 'a\0b': '' } })).status, 400)
  assert.equal(readBody(outer, { Env: ['x'.repeat(1024 * 1024 - 100)] }).Env?.length, 1)
  assert.match(refusalOf(() => readBody(outer, { Env: ['x'.repeat(1024 * 512), 'ä'.repeat(1024 * 256)] })).message, /longer than 1048576 bytes/)
})

test('__proto__ is an ordinary key of a map and an unknown field of a struct', () => {
  const labels = readBody(outer, '{"Labels":{"__proto__":"x"}}').Labels
  assert.deepEqual(Object.entries(labels ?? {}), [['__proto__', 'x']])
  assert.equal(refusalOf(() => readBody(outer, '{"__proto__":{"Image":"x"}}')).status, 400)
  assert.deepEqual(readBody(outer, '{"constructor":null,"toString":""}'), {})
})

test('a part of what was read can be changed without changing another reading', () => {
  const body = { ByName: { a: null, b: null }, Many: [null, null] }
  const read = readBody(outer, body)
  read.ByName!['a']!.Memory = 1
  read.Many![0]!.Memory = 1
  assert.deepEqual([read.ByName!['b'], read.Many![1], readBody(outer, body).ByName!['a']], [{}, {}, {}])
})

const create = containerCreateSchema(defaultPolicy)
const known = new Set([...Object.keys(create.entries), ...Object.keys(create.entries.HostConfig.type.entries ?? {})].map((name) => name.toLowerCase()))
const strange = fc.string({ minLength: 1 }).filter((key) => !known.has(key.toLowerCase()) && key.isWellFormed())

test('whatever other keys a body has, they are refused or say nothing, and never appear in what is sent on', () => {
  fc.assert(fc.property(strange, fc.jsonValue(), (key, value) => {
    const text = `{"Image":"i","HostConfig":{"Memory":0,${JSON.stringify(key)}:${JSON.stringify(value)}},${JSON.stringify(key)}:${JSON.stringify(value)}}`
    try {
      assert.deepEqual(readBody(create, text), { Image: 'i', HostConfig: { Memory: 0 } })
    } catch (error) {
      assert.equal((error as { status?: number }).status, 400, String(error))
    }
  }), { numRuns: 300 })
})
