import { parseRequestJson, type Json } from '../json.ts'
import { Refusal } from '../refusal.ts'

/**
 * The `filters` of a request: each key that was sent with its different values. A key sent without values is
 * there with an empty list, which for the engine is not the same as an absent key (`type` without values matches no network).
 */
export type Filters = ReadonlyMap<string, readonly string[]>

/** Everything a `filters` parameter may hold together; the CLI and Compose send a dozen short values at most. */
const maxText = 64 * 1024
const maxValues = 1000
const maxValue = 4096

/**
 * Parses a `filters` query parameter in both of its forms, `{"k":["v"]}` and `{"k":{"v":true}}` (moby filters.FromJSON); absent, '' and
 * `null` are no filters. The booleans of the second form are not looked at: a value sent with `false` is a value.
 * Throws `Refusal` 400: `invalid filter` for any other shape and for both forms mixed, `invalid filter 'Label'` for a key that is not
 * accepted, a sentence for what is larger than any client sends. Without `accepted` every key passes, as for events.
 */
export function parseFilters(raw: string | undefined, accepted?: readonly string[]): Filters {
  if (raw === undefined || raw === '') return new Map()
  if (raw.length > maxText) throw tooLarge(`more than ${maxText} characters in all`)
  const filters = new Map(entries(raw))
  for (const key of filters.keys()) {
    if (accepted !== undefined && !accepted.includes(key)) throw invalidFilter(key)
  }
  const values = [...filters.values()].flat()
  if (values.length > maxValues) throw tooLarge(`more than ${maxValues} values`)
  if (values.some((value) => value.length > maxValue)) throw tooLarge(`a value of more than ${maxValue} characters`)
  return filters
}

function entries(raw: string): [string, string[]][] {
  const value = parse(raw)
  if (value === null) return []
  if (!isObject(value)) throw invalidFilter()
  const lists = Object.entries(value)
  if (lists.some(([, list]) => Array.isArray(list)) && lists.some(([, list]) => isObject(list))) throw invalidFilter()
  return lists.map(([key, list]) => [key, valuesOf(list)])
}

function parse(raw: string): Json {
  try {
    return parseRequestJson(new TextEncoder().encode(raw))
  } catch {
    throw invalidFilter()
  }
}

function valuesOf(list: Json | undefined): string[] {
  if (list === null) return []
  if (Array.isArray(list) && list.every((value) => typeof value === 'string' || value === null)) {
    return [...new Set(list.map((value) => value ?? ''))] as string[]
  }
  if (isObject(list) && Object.values(list).every((value) => typeof value === 'boolean' || value === null)) return Object.keys(list)
  throw invalidFilter()
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** The engine's refusal of a filter: as a whole, of a key, or of the values of a key. */
export function invalidFilter(key?: string, values?: readonly string[]): Refusal {
  if (key === undefined) return new Refusal(400, 'invalid filter', 'filters')
  return new Refusal(400, `invalid filter '${key}${values === undefined ? '' : `=[${values.join(' ')}]`}'`, `filters.${key}`)
}

function tooLarge(what: string): Refusal {
  return new Refusal(400, `filters has ${what}; send fewer and shorter values`, 'filters')
}
