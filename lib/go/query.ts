import { Refusal } from '../refusal.ts'
import { percentDecode } from './text.ts'

/**
 * A query string (without `?`) as Go's url.ParseQuery reads it: keys are case-sensitive, both sides are percent-decoded, `+` is a
 * space, empty pairs are skipped, a pair without `=` has the value ''. Values keep their order; the engine uses the first.
 * Throws `Refusal` 400 with Go's texts for `;` and bad escapes.
 */
export function parseQuery(raw: string): Map<string, string[]> {
  if (raw.includes(';')) throw new Refusal(400, 'invalid semicolon separator in query')
  const query = new Map<string, string[]>()
  for (const pair of raw.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1))
    const values = query.get(key)
    if (values === undefined) query.set(key, [value])
    else values.push(value)
  }
  return query
}

function decode(text: string): string {
  return percentDecode(text.replaceAll('+', ' '), 'query string')
}
