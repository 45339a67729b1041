import { parseBool } from './go.ts'
import { Refusal } from './refusal.ts'

/** Reads one query parameter: all values the client sent for the key, in order, or undefined when it sent none. */
export type QueryField<T> = (values: readonly string[] | undefined, key: string) => T

export type QueryFields = Readonly<Record<string, QueryField<unknown>>>
export type QueryOf<F extends QueryFields> = { [K in keyof F]: ReturnType<F[K]> }

const limit = 16 * 1024

function first(values: readonly string[] | undefined, key: string): string | undefined {
  const value = values?.[0]
  if (value !== undefined && value.length > limit) throw new Refusal(400, `query parameter ${key} is longer than ${limit} characters`)
  return value
}

/** Text, or undefined when absent. */
export const text: QueryField<string | undefined> = first

/** Every value of a repeatable key. */
export const texts: QueryField<readonly string[]> = (values) => values ?? []

/** The engine's boolean: everything but ``, 0, no, false, none is true (moby, api/server/httputils BoolValue). */
export const flag = (absent = false): QueryField<boolean> => (values, key) => parseBool(first(values, key), absent)

/** A boolean that stays absent when the client did not send it, so that the engine's default holds. */
export const optionalFlag: QueryField<boolean | undefined> = (values, key) =>
  values === undefined ? undefined : parseBool(first(values, key), false)

/** A decimal integer; anything else is the engine's own complaint with the given status (moby, httputils Int64ValueOrZero and its users). */
export const integer = (status = 400): QueryField<number | undefined> => (values, key) => {
  const value = first(values, key)
  if (value === undefined || value === '') return undefined
  if (!/^[+-]?\d{1,15}$/.test(value)) throw new Refusal(status, `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
  return Number(value)
}

/** Reads the parameters a row knows; others never reach the engine. */
export function readQuery<F extends QueryFields>(fields: F, query: ReadonlyMap<string, readonly string[]>): QueryOf<F> {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field(query.get(key), key)])) as QueryOf<F>
}
