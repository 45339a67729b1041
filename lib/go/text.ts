import { Refusal } from '../refusal.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Go's strings.TrimSpace (unicode.IsSpace: with U+0085, without U+FEFF). */
export function trimSpace(text: string): string {
  return text.replace(leadingSpace, '').replace(trailingSpace, '')
}

const space = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+'
const [leadingSpace, trailingSpace] = [new RegExp(`^${space}`), new RegExp(`${space}$`)]

/**
 * Percent-decoding of a part of a request target. Characters U+0080 to U+00FF are single bytes, as HTTP parsers deliver them.
 * Throws `Refusal` 400: Go's `invalid URL escape "%zz"` (net/url unescape), and for what is not UTF-8 or has a NUL byte,
 * which the engine would take and no name, path or option can contain.
 */
export function percentDecode(text: string, what: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) throw new Refusal(400, `the ${what} is not UTF-8; percent-encode it`)
    bytes[length++] = code === 0x25 ? escaped(text, i) : code
    if (code === 0x25) i += 2
  }
  const decoded = decodeUtf8(bytes.subarray(0, length), what)
  if (decoded.includes('\0')) throw new Refusal(400, `the ${what} has a NUL byte; remove it`)
  return decoded
}

function escaped(text: string, at: number): number {
  const escape = text.slice(at, at + 3)
  if (!/^%[0-9a-fA-F]{2}$/.test(escape)) throw new Refusal(400, `invalid URL escape ${JSON.stringify(escape)}`)
  return Number.parseInt(escape.slice(1), 16)
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Refusal(400, `the ${what} is not UTF-8; percent-encode it`)
  }
}
