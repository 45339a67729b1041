/** Finding the end of a JSON value in a body that has not ended. */

const whitespace = new Set([0x20, 0x09, 0x0a, 0x0d])
const quote = 0x22
const backslash = 0x5c
const words: Readonly<Record<string, number>> = { t: 'true'.length, f: 'false'.length, n: 'null'.length }

/**
 * Finds the end of the first complete top-level JSON value in bytes that come piece by piece; each byte is looked at once. Answers the
 * offset behind it in the piece that has it, undefined while it is incomplete. For clients that never end their body (docker-modem with
 * `openStdin`): what is before the end is the request, what follows is the stream.
 * Only the end is found, nothing is checked: a first byte that starts no value ends at once, so that parsing it refuses it.
 * A number on its own ends at the byte after it.
 */
export function jsonEndFinder(): (piece: Uint8Array) => number | undefined {
  let step: ((byte: number) => number | undefined) | undefined
  return (piece) => {
    for (let i = 0; i < piece.length; i++) {
      if (step === undefined && whitespace.has(piece[i]!)) continue
      step ??= stepsOf(String.fromCharCode(piece[i]!))
      const behind = step(piece[i]!)
      if (behind !== undefined) return i + behind
    }
    return undefined
  }
}

/** The same for bytes that are all there. */
export function firstJsonEnd(bytes: Uint8Array): number | undefined {
  return jsonEndFinder()(bytes)
}

/** Takes a value's bytes, the first included, and answers 1 at its last byte or 0 at the byte behind it. */
function stepsOf(first: string): (byte: number) => number | undefined {
  if (first === '"' || first === '{' || first === '[') return nested()
  let length = 0
  if (Object.hasOwn(words, first)) return () => (++length === words[first] ? 1 : undefined)
  if (/[-0-9]/.test(first)) return (byte) => (/[-+.0-9eE]/.test(String.fromCharCode(byte)) ? undefined : 0)
  return () => 1
}

function nested(): (byte: number) => number | undefined {
  let [level, inString, escaped] = [0, false, false]
  return (byte) => {
    if (escaped) escaped = false
    else if (inString && byte === backslash) escaped = true
    else if (byte === quote) inString = !inString
    else if (inString) return undefined
    else if (byte === 0x7b || byte === 0x5b) level++
    else if (byte === 0x7d || byte === 0x5d) level--
    return level <= 0 && !inString && !escaped ? 1 : undefined
  }
}
