import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonComplaint } from '../../lib/go/json-error.ts'

/** What Engine 28.5 answered, without `invalid JSON: `. */
const complaints: Readonly<Record<string, string>> = {
  '{invalid json': "invalid character 'i' looking for beginning of object key string",
  '{"a":}': "invalid character '}' looking for beginning of value",
  '{"a":1,}': "invalid character '}' looking for beginning of object key string",
  '{"a"': 'unexpected EOF',
  nul: 'unexpected EOF',
  '{"Cmd":"x" "y"}': "invalid character '\"' after object key:value pair",
  '{"a":tru}': "invalid character '}' in literal true (expecting 'e')",
  '\u0001{}': "invalid character '\\x01' looking for beginning of value",
  '{} trailing': 'unexpected content after JSON',
  '["a" 1]': "invalid character '1' after array element",
  '{"a" 1}': "invalid character '1' after object key",
  '"a\nb"': "invalid character '\\n' in string literal",
  '"\\x"': "invalid character 'x' in string escape code",
  '"\\u12g4"': "invalid character 'g' in \\u hexadecimal character escape",
  '-a': "invalid character 'a' in numeric literal",
  '1.a': "invalid character 'a' after decimal point in numeric literal",
  '1ea': "invalid character 'a' in exponent of numeric literal",
  "{'a':1}": "invalid character '\\'' looking for beginning of object key string",
  '{"é":é}': "invalid character 'Ã' looking for beginning of value",
}

test('a text that is not JSON is complained of as Go does', () => {
  for (const [text, complaint] of Object.entries(complaints)) assert.equal(jsonComplaint(text), complaint, text)
})

test('JSON is not complained of', () => {
  for (const text of ['{}', ' [1, -0.5e+3, "a\\u00e9\\n", {"a": [true, false, null]}] ', '0', '""', '[[],{}]']) assert.equal(jsonComplaint(text), undefined, text)
})
