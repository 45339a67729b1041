/**
 * The types body schemas are written in, as the engine unmarshals them: no coercion, null means unset.
 *
 * A leaf is a valibot schema with the name Go gives its type; lists and maps are built from other types.
 */
import * as v from 'valibot'
import { LosslessNumber } from 'lossless-json'
import { Refusal } from './refusal.ts'

/** How a JSON value becomes a value the gateway sends on. */
export interface Type<T> {
  /** What Go calls the type; part of the engine's error texts. */
  readonly go: string
  /** What null means as an item of a list or as a value of a map; a new object each time, so that whoever rewrites one changes no other. */
  readonly zero: T
  /** Lists and maps: the type of what is in them. */
  readonly item?: Type<any>
  /** The fields of a struct, by their canonical names. */
  readonly entries?: Readonly<Record<string, { readonly verdict: string; readonly type: Type<any> }>>
  /** `value` is never null. `at` is the path of the field, e.g. `HostConfig.Memory`; items of lists and maps have the path of their field. */
  read(value: unknown, at: string): T
}

const goKinds: Record<string, string> = { string: 'string', boolean: 'bool' }

/** The engine's answer to a value of the wrong type (encoding/json, UnmarshalTypeError). */
export function cannotUnmarshal(value: unknown, at: string, go: string): Refusal {
  const target = at === '' ? 'value' : `struct field .${at}`
  return new Refusal(400, `invalid JSON: json: cannot unmarshal ${goValue(value, go)} into Go ${target} of type ${go}`, at)
}

function goValue(value: unknown, go: string): string {
  const isNumber = value instanceof LosslessNumber || typeof value === 'number' || typeof value === 'bigint'
  if (isNumber) return /^(u?int|time)/.test(go) ? `number ${String(value)}` : 'number'
  return goKinds[typeof value] ?? (Array.isArray(value) ? 'array' : 'object')
}

/** A leaf type. Type issues of the valibot schema become the engine's unmarshal error, issues of its checks `FIELD: message`; both 400. */
export function leaf<T>(go: string, zero: T, schema: v.GenericSchema<unknown, T>): Type<T> {
  return {
    go,
    zero,
    read(value, at) {
      const result = v.safeParse(schema, value, { abortEarly: true })
      if (result.success) return result.output
      const [issue] = result.issues
      throw issue.kind === 'schema' ? cannotUnmarshal(value, at, go) : new Refusal(400, `${at}: ${issue.message}`, at)
    },
  }
}

const cleanString = v.pipe(v.string(), v.check((text) => !text.includes('\0'), 'a text cannot contain a NUL byte; leave it out'))

export const text = leaf('string', '', cleanString)
export const flag = leaf('bool', false, v.boolean())

/** Text whose form is checked; `message` says what is wrong and what would be right. An empty text means unset and is not checked. */
export function textLike(fits: (text: string) => boolean, message: (text: string) => string): Type<string> {
  return leaf('string', '', v.pipe(cleanString, v.check((value) => value === '' || fits(value), (issue) => message(issue.input))))
}

function integer(go: string, lowest: bigint, highest: bigint): Type<number | bigint> {
  const isInteger = (value: unknown) => typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  const fits = (value: unknown) => isInteger(value) && BigInt(value as number) >= lowest && BigInt(value as number) <= highest
  return leaf(go, 0 as number | bigint, v.custom<number | bigint>(fits))
}

export const int64 = integer('int64', -(2n ** 63n), 2n ** 63n - 1n)
export const int = integer('int', -(2n ** 63n), 2n ** 63n - 1n)
export const uint = integer('uint', 0n, 2n ** 64n - 1n)
export const uint64 = integer('uint64', 0n, 2n ** 64n - 1n)
export const uint32 = integer('uint32', 0n, 2n ** 32n - 1n)
export const uint16 = integer('uint16', 0n, 2n ** 16n - 1n)
/** Nanoseconds. */
export const duration: Type<number | bigint> = { ...int64, go: 'time.Duration' }

/** Any value at all, for fields that are dropped or must be unset. */
export const anything: Type<unknown> = { go: 'interface {}', zero: null, read: (value) => value }

/** A list. Null items become the zero value of their type, as in Go. */
export function list<T>(item: Type<T>): Type<T[]> {
  const go = `[]${item.go}`
  return {
    go,
    get zero(): T[] {
      return []
    },
    item,
    read(value, at) {
      if (!Array.isArray(value)) throw cannotUnmarshal(value, at, go)
      return value.map((one) => (one === null ? item.zero : item.read(one, at)))
    },
  }
}

/** A map whose keys are the client's own words and are never folded; `__proto__` is an ordinary key. */
export function mapOf<T>(item: Type<T>, checkKey?: (key: string, at: string) => void): Type<Record<string, T>> {
  const go = `map[string]${item.go}`
  return {
    go,
    get zero(): Record<string, T> {
      return {}
    },
    item,
    read(value, at) {
      if (!isObject(value)) throw cannotUnmarshal(value, at, go)
      return Object.fromEntries(Object.entries(value).map(([key, one]) => {
        text.read(key, at)
        checkKey?.(key, at)
        return [key, one === null ? item.zero : item.read(one, at)]
      }))
    },
  }
}

const emptyStruct: Type<Record<string, never>> = {
  go: 'struct {}',
  get zero() {
    return {}
  },
  read(value, at) {
    if (!isObject(value)) throw cannotUnmarshal(value, at, 'struct {}')
    return {}
  },
}

/** A set of keys, which Go writes as a map to empty structs; what clients put into the structs is dropped, as the engine does. */
export function setOf(checkKey?: (key: string, at: string) => void): Type<Record<string, Record<string, never>>> {
  return mapOf(emptyStruct, checkKey)
}

export const textList = list(text)
export const textMap = mapOf(text)

/** A string or a list of strings; the string becomes a list of one (api/types/strslice). */
export const textOrList: Type<string[]> = {
  ...textList,
  read: (value, at) => (typeof value === 'string' ? [text.read(value, at)] : textList.read(value, at)),
}

/** A JSON object, and neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber)
}

/** Is this Go's zero value: null, false, 0, an empty string, list or map, or a map that holds nothing else? */
export function isZero(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isObject(value)) return Object.values(value).every(isZero)
  return value === null || value === undefined || value === false || value === '' || value === 0 || value === 0n
}
