/** The engine's ways of comparing filter values (moby api/types/filters), shared by all kinds of objects. */
import { invalidFilter, type Filters } from './parse.ts'
import { regexpsTest } from './regexp.ts'

/** Labels or attributes, as engine answers carry them. */
export type Labels = Readonly<Record<string, string>> | null | undefined

/** One of the values is the text, or no values were sent (ExactMatch). */
export function matchesExactly(filters: Filters, key: string, text: string): boolean {
  const values = filters.get(key) ?? []
  return values.length === 0 || values.includes(text)
}

/** One of the values is the text or its beginning, or no values were sent (FuzzyMatch). */
export function matchesBeginning(filters: Filters, key: string, text: string): boolean {
  const values = filters.get(key) ?? []
  return values.length === 0 || values.some((value) => text.startsWith(value))
}

/**
 * A test whether one of the values is the text or, as an unanchored Go regular expression, matches in it, or no values were sent (Match).
 * Invalid expressions match nothing. Throws `Refusal` 400 for expressions that would cost too much.
 */
export function regexpTest(filters: Filters, key: string): (text: string) => boolean {
  const values = filters.get(key) ?? []
  if (values.length === 0) return () => true
  const test = regexpsTest(values)
  return (text) => values.includes(text) || test(text)
}

/** Every value, `k` or `k=v`, is among the labels, or no values were sent (MatchKVList). */
export function matchesLabels(filters: Filters, key: string, labels: Labels): boolean {
  return (filters.get(key) ?? []).every((value) => {
    const equals = value.indexOf('=')
    const name = equals === -1 ? value : value.slice(0, equals)
    if (!labels || !Object.hasOwn(labels, name)) return false
    return equals === -1 || labels[name] === value.slice(equals + 1)
  })
}

/** The boolean of a key (GetBoolOrDefault): `0`, `false`, `1`, `true`; throws `Refusal` 400 for others, none and contradicting ones. */
export function filterBool(filters: Filters, key: string, absent: boolean): boolean {
  const values = filters.get(key)
  if (values === undefined) return absent
  if (values.length === 0) throw invalidFilter(key)
  const no = values.includes('0') || values.includes('false')
  const yes = values.includes('1') || values.includes('true')
  if (no === yes) throw invalidFilter(key, values)
  return yes
}
