/**
 * JSON as the engine reads and writes it: 64-bit numbers survive, and nothing is accepted that two parsers could read differently.
 *
 * Requests go through a strict, lossless parser: what was checked is what is sent on. Answers come from the engine itself,
 * are larger and are parsed natively, with the digits of long numbers kept as they were written.
 */
import { LosslessNumber, parse } from 'lossless-json'
import { jsonComplaint, trailing } from './go/json-error.ts'
import { Refusal } from './refusal.ts'

/**
 * A JSON value of a request. Integers are numbers, beyond 2^53 bigints. Numbers written with a fraction or an exponent, or with more
 * digits than 64 bits hold, are `LosslessNumber`: integer schemas refuse them, as the engine refuses `1.0` and `6e7` for int64.
 */
export type Json = null | boolean | number | bigint | string | LosslessNumber | Json[] | { [key: string]: Json }

export { LosslessNumber }
export { firstJsonEnd, jsonEndFinder } from './json-stream.ts'

declare global {
  /** A number that `JSON.stringify` writes with the digits it was made from (ECMAScript, JSON.parse source text access). */
  interface RawJson {
    readonly rawJSON: string
  }
  interface JSON {
    rawJSON(text: string): RawJson
    isRawJSON(value: unknown): value is RawJson
    parse(text: string, reviver: (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown): unknown
  }
}

/** Written out as it was read. */
class ExactNumber extends LosslessNumber {
  toJSON(): RawJson {
    return JSON.rawJSON(this.value)
  }
}

/** Objects and arrays inside each other; the deepest legitimate body (a create with mounts) has seven. */
const maxDepth = 32

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The JSON of a request body. Throws `Refusal` 400 with the engine's `invalid JSON: ` in front (httputils.ReadJSON) for text that is
 * not one JSON value in UTF-8, for more than 32 levels, for a key that occurs twice in an object and for unpaired surrogates.
 * `__proto__` is an ordinary key.
 */
export function parseRequestJson(bytes: Uint8Array): Json {
  const text = decode(bytes)
  if (/^[ \t\r\n]*$/.test(text)) throw invalid('got EOF while reading request body')
  const { depth, keys } = measure(text)
  if (depth > maxDepth) throw invalid(`more than ${maxDepth} levels of objects and arrays`)
  const value = parseLossless(text)
  if (countKeys(value) !== keys) throw invalid('a key occurs twice in one object; send it once')
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw invalid('the body is not UTF-8')
  }
}

function parseLossless(text: string): Json {
  try {
    return parse(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue }) as Json
  } catch (error) {
    const complaint = jsonComplaint(text)
    if (complaint === trailing) throw new Refusal(400, trailing)
    throw invalid(complaint ?? (error instanceof Error ? error.message : String(error)))
  }
}

function parseNumber(text: string): number | bigint | LosslessNumber {
  if (!/^-?\d{1,20}$/.test(text)) return new ExactNumber(text)
  const value = Number(text)
  return Number.isSafeInteger(value) ? value + 0 : BigInt(text)
}

function invalid(reason: string): Refusal {
  return new Refusal(400, `invalid JSON: ${reason}`)
}

/** How deep a JSON text nests and how many keys it writes. Meaningless, but bounded, for text that is not JSON. */
function measure(text: string): { depth: number; keys: number } {
  let [level, depth, keys, inString] = [0, 0, 0, false]
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '"') inString = !inString
    else if (inString) i += char === '\\' ? 1 : 0
    else if (char === '{' || char === '[') depth = Math.max(depth, ++level)
    else if (char === '}' || char === ']') level--
    else if (char === ':') keys++
  }
  return { depth, keys }
}

function countKeys(value: Json): number {
  if (typeof value === 'string') return wellFormed(value, 0)
  if (typeof value !== 'object' || value === null || value instanceof LosslessNumber) return 0
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countKeys(item), 0)
  return Object.entries(value).reduce((sum, [key, item]) => sum + wellFormed(key, 1) + countKeys(item), 0)
}

/** The engine replaces unpaired surrogates by U+FFFD: two different strings here could be one there. */
function wellFormed(text: string, count: number): number {
  if (!text.isWellFormed()) throw invalid('a string has an unpaired surrogate')
  return count
}

/**
 * Engine answers: `JSON.parse`, except that integers which `JSON.parse` would round become `RawJson`, so that `stringify` writes the
 * same digits. Whoever walks the value must take `JSON.isRawJSON(value)` as a leaf. Throws SyntaxError.
 */
export function parseAnswer(text: string): any {
  return /(?:^|[\s:,[])-?\d{16}/.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
}

function keepDigits(this: unknown, _key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined || !/^-?\d{16,}$/.test(source)) return value
  return Number.isSafeInteger(value) ? value : JSON.rawJSON(source)
}

/** `JSON.stringify` in which `RawJson`, `LosslessNumber` and bigints become the digits they stand for. */
export function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    // Native stringify refuses bigints and nothing else that a parser made; a replacer on every answer would cost more than this rarity.
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? JSON.rawJSON(String(item)) : item))
  }
}

/** An object key as Go's encoding/json compares it with field names (all ASCII): any case, U+017F as s, U+212A as k. */
export function foldKey(key: string): string {
  return key.replace(/[A-Z\u017f\u212a]/g, (letter) => (letter === '\u017f' ? 's' : letter.toLowerCase()))
}
