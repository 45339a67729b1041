import { RE2JS } from 're2js'

const everything = '[\\x{0}-\\x{10FFFF}]'
const nothing = '[^\\x{0}-\\x{10FFFF}]'

/**
 * Go's path.Match: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` do not, `\` takes the next character as it is; the whole name must
 * match. Undefined when the pattern is malformed (Go's ErrBadPattern, `syntax error in pattern`). Linear time.
 */
export function compileGlob(pattern: string): ((name: string) => boolean) | undefined {
  const chars = [...pattern]
  let source = ''
  while (chars.length > 0) {
    const char = chars.shift()!
    const part = char === '*' ? '[^/]*' : char === '?' ? '[^/]' : char === '[' ? characterClass(chars) : literal(char, chars)
    if (part === undefined) return undefined
    source += part
  }
  const regexp = RE2JS.compile(source)
  return (name) => regexp.testExact(name)
}

function literal(char: string, rest: string[]): string | undefined {
  const taken = char === '\\' ? rest.shift() : char
  return taken === undefined ? undefined : code(taken)
}

/** Takes the rest of a class, after `[`, from the characters. A range whose ends are in the wrong order holds nothing. */
function characterClass(rest: string[]): string | undefined {
  const negated = rest[0] === '^'
  if (negated) rest.shift()
  let ranges = ''
  for (let count = 0; count === 0 || rest[0] !== ']'; count++) {
    const low = member(rest)
    const high = rest[0] === '-' ? (rest.shift(), member(rest)) : low
    if (low === undefined || high === undefined) return undefined
    if (low.codePointAt(0)! <= high.codePointAt(0)!) ranges += `${code(low)}-${code(high)}`
  }
  rest.shift()
  if (ranges === '') return negated ? everything : nothing
  return `[${negated ? '^' : ''}${ranges}]`
}

/** One end of a range; something must follow it, at least the closing bracket. */
function member(rest: string[]): string | undefined {
  const char = rest.shift()
  if (char === undefined || char === '-' || char === ']') return undefined
  const taken = char === '\\' ? rest.shift() : char
  return rest.length === 0 ? undefined : taken
}

function code(char: string): string {
  return `\\x{${char.codePointAt(0)!.toString(16)}}`
}
