import { literal } from '../literal.ts'

const compiled = new Map<string, RegExp>()

/**
 * A pattern of a rule as a regular expression of the whole text: `**` is any text, `*` any text without `/`, everything else itself.
 * Patterns come from the operator's config, so their number is bounded.
 */
export function globPattern(pattern: string): RegExp {
  const known = compiled.get(pattern)
  if (known) return known
  const source = pattern.split(/(\*+)/).map((part) => /^\*\*/.test(part) ? '[^]*' : part === '*' ? '[^/]*' : literal(part)).join('')
  const made = new RegExp(`^${source}$`)
  compiled.set(pattern, made)
  return made
}
