/** Where a text stops being JSON, in the words of Go's scanner (encoding/json, scanner.go). */
class Complaint extends Error {}

/**
 * Go's complaint about a text that is not one JSON value; undefined when it is one. Values nest as deep as the caller has allowed: this recurses.
 */
export function jsonComplaint(text: string): string | undefined {
  const scan = scanner(text)
  try {
    scan.value()
  } catch (error) {
    if (error instanceof Complaint) return error.message
    throw error
  }
  return scan.peek() === undefined ? undefined : trailing
}

/** Said instead of `invalid JSON: …` when something follows the value (moby, api/server/httputils ReadJSON). */
export const trailing = 'unexpected content after JSON'

function scanner(text: string) {
  let at = 0

  function fail(context: string): never {
    const char = text[at]
    throw new Complaint(char === undefined ? 'unexpected EOF' : `invalid character ${quoted(char)} ${context}`)
  }

  function peek(): string | undefined {
    while (/[ \t\r\n]/.test(text[at] ?? '')) at++
    return text[at]
  }

  /** `what` comes, one character after the other. */
  function word(what: string): void {
    for (const [index, char] of [...what].entries()) {
      if (text[at] !== char) fail(`in literal ${what} (expecting ${quoted(what[index]!)})`)
      at++
    }
  }

  function string(): void {
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === undefined || text[at]! < ' ') fail('in string literal')
      if (text[at] !== '\\') continue
      at++
      if (!/[bfnrt\\/"u]/.test(text[at] ?? '')) fail('in string escape code')
      if (text[at] !== 'u') continue
      for (let digit = 0; digit < 4; digit++) {
        at++
        if (!/[0-9a-fA-F]/.test(text[at] ?? '')) fail('in \\u hexadecimal character escape')
      }
    }
    at++
  }

  function digits(context: string): void {
    if (!/\d/.test(text[at] ?? '')) fail(context)
    while (/\d/.test(text[at] ?? '')) at++
  }

  function number(): void {
    if (text[at] === '-') at++
    if (text[at] === '0') at++
    else digits('in numeric literal')
    if (text[at] === '.') {
      at++
      digits('after decimal point in numeric literal')
    }
    if (!/[eE]/.test(text[at] ?? '')) return
    at++
    if (/[+-]/.test(text[at] ?? '')) at++
    digits('in exponent of numeric literal')
  }

  function object(): void {
    at++
    if (peek() === '}') return void at++
    for (;;) {
      if (peek() !== '"') fail('looking for beginning of object key string')
      string()
      if (peek() !== ':') fail('after object key')
      at++
      value()
      if (peek() === '}') return void at++
      if (text[at] !== ',') fail('after object key:value pair')
      at++
    }
  }

  function array(): void {
    at++
    if (peek() === ']') return void at++
    for (;;) {
      value()
      if (peek() === ']') return void at++
      if (text[at] !== ',') fail('after array element')
      at++
    }
  }

  function value(): void {
    const char = peek()
    if (char === '{') object()
    else if (char === '[') array()
    else if (char === '"') string()
    else if (char === 't') word('true')
    else if (char === 'f') word('false')
    else if (char === 'n') word('null')
    else if (/[-\d]/.test(char ?? '')) number()
    else fail('looking for beginning of value')
  }

  return { value, peek }
}

/** A byte as Go quotes it. */
function quoted(char: string): string {
  const [byte = 0] = new TextEncoder().encode(char)
  if (char === "'") return "'\\''"
  if (char === '"') return "'\"'"
  if (byte < 0x20 || (byte >= 0x7f && byte < 0xa0)) return `'${short[char] ?? `\\${byte < 0x80 ? 'x' : 'u00'}${byte.toString(16).padStart(2, '0')}`}'`
  return char === '\\' ? "'\\\\'" : `'${String.fromCharCode(byte)}'`
}

const short: Record<string, string> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' }
