/** Finding the end of a JSON value in a body that has not ended. */

const whitespace = new Set([0x20, 0x09, 0x0a, 0x0d])
const quote = 0x22
const backslash = 0x5c

/**
 * The offset after the first complete top-level JSON value, undefined while it is incomplete. For clients that never end their body
 * (docker-modem with `openStdin`): what is before the offset is the request, what follows is the stream.
 * Only the end is found, nothing is checked: a first byte that starts no value ends at once, so that parsing it refuses it.
 * A number on its own ends at the byte after it.
 */
export function firstJsonEnd(bytes: Uint8Array): number | undefined {
  let start = 0
  while (start < bytes.length && whitespace.has(bytes[start]!)) start++
  if (start === bytes.length) return undefined
  const first = String.fromCharCode(bytes[start]!)
  if (first === '"') return stringEnd(bytes, start)
  if (first === '{' || first === '[') return nestedEnd(bytes, start)
  return scalarEnd(bytes, start, first)
}

function stringEnd(bytes: Uint8Array, start: number): number | undefined {
  for (let i = start + 1; i < bytes.length; i++) {
    if (bytes[i] === quote) return i + 1
    if (bytes[i] === backslash) i++
  }
  return undefined
}

function nestedEnd(bytes: Uint8Array, start: number): number | undefined {
  let level = 0
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === quote) {
      const end = stringEnd(bytes, i)
      if (end === undefined) return undefined
      i = end - 1
    } else if (byte === 0x7b || byte === 0x5b) level++
    else if ((byte === 0x7d || byte === 0x5d) && --level === 0) return i + 1
  }
  return undefined
}

function scalarEnd(bytes: Uint8Array, start: number, first: string): number | undefined {
  const word = { t: 'true', f: 'false', n: 'null' }[first]
  if (word !== undefined) return bytes.length >= start + word.length ? start + word.length : undefined
  if (!/[-0-9]/.test(first)) return start + 1
  const length = bytes.subarray(start).findIndex((byte) => !/[-+.0-9eE]/.test(String.fromCharCode(byte)))
  return length === -1 ? undefined : start + length
}
