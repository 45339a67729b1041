/**
 * Structs of request bodies: which fields there are, and what the gateway does with each of them.
 *
 * Verdicts are data on the fields, so that a test can ask every field of the engine's API for its verdict.
 */
import { foldKey } from './json.ts'
import { forbidden, Refusal } from './refusal.ts'
import { cannotUnmarshal, isObject, isZero, type Type } from './schema-types.ts'

/**
 * pass: sent on as it came. rewrite: checked here, its references are replaced before it is sent. force: must be unset.
 * allow: values on a list. quota: values up to a limit. drop: accepted and not sent on.
 */
export type Verdict = 'pass' | 'rewrite' | 'force' | 'allow' | 'quota' | 'drop'

/** Throws a Refusal, or returns the value to send instead, or nothing to send the value itself. */
export type Check<T> = (value: T, at: string) => T | void

/** The words of a refusal that every non-zero value of a field gets. */
export interface Reason {
  why: string
  instead: string
}

/** `T` is the type of the value in the rebuilt body, `never` when the field is never sent on. */
export interface Field<T> {
  readonly verdict: Verdict
  readonly type: Type<any>
  readonly reason?: Reason
  readonly check?: Check<any>
  /** Never set: carries `T` for the inference of struct types. */
  readonly sent?: T
}

/** A field that goes to the engine as the client sent it, if `check` does not throw. */
export function pass<T>(type: Type<T>, check?: Check<T>): Field<T> {
  return { verdict: 'pass', type, check }
}

/** A field that goes to the engine changed, by who makes the plan: job names become stored ones. */
export function rewrite<T>(type: Type<T>, check?: Check<T>): Field<T> {
  return { verdict: 'rewrite', type, check }
}

/** A field of which `check` lets some values through, by the policy. */
export function allow<T>(type: Type<T>, check: Check<T>): Field<T> {
  return { verdict: 'allow', type, check }
}

/** A field whose value counts against a limit of the policy, which `check` compares. */
export function quota<T>(type: Type<T>, check: Check<T>): Field<T> {
  return { verdict: 'quota', type, check }
}

/** A field that must be unset: absent, null or, by default, Go's zero value. Anything else is a 403 with the reason. */
export function force(type: Type<any>, reason: Reason, isUnset: (value: unknown) => boolean = isZero): Field<never> {
  const check = (value: unknown, at: string) => {
    if (!isUnset(value)) throw forbidden({ field: at, ...reason })
  }
  return { verdict: 'force', type, reason, check }
}

/** A field that is read over: the engine does not get it. */
export function drop(type: Type<any>): Field<never> {
  return { verdict: 'drop', type }
}

export type Entries = Readonly<Record<string, Field<any>>>

type Sent<F> = F extends Field<infer T> ? T : never

/** What a struct reads as: the fields that are sent on, each of them only when the client set it. */
export type Read<E extends Entries> = { [K in keyof E as [Sent<E[K]>] extends [never] ? never : K]?: Sent<E[K]> }

export interface Struct<E extends Entries> extends Type<Read<E>> {
  readonly entries: E
}

/** Rules of a struct as a whole: `before` sees the values as they came, under canonical names; `after` what was read. Both may throw a Refusal. */
export interface Rules<T> {
  /** What happens to fields that are not in the struct; they are refused unless it says otherwise. */
  unknown?: 'drop'
  before?: (values: ReadonlyMap<string, unknown>, at: string) => void
  after?: (read: T, at: string) => void
}

/**
 * A Go struct. Keys are compared as encoding/json does; the engine merges or overrides fields that are given twice under
 * different spellings, here they are a 400, and so are unknown fields unless they say nothing (Go's zero values).
 */
export function struct<E extends Entries>(go: string, entries: E, rules: Rules<Read<E>> = {}): Struct<E> {
  const canonical = new Map(Object.keys(entries).map((name) => [foldKey(name), name]))
  return {
    go,
    get zero() {
      return {} as Read<E>
    },
    entries,
    read(value, at) {
      if (!isObject(value)) throw cannotUnmarshal(value, at, go)
      const values = canonicalValues(value, canonical, at, rules.unknown === 'drop' ? ignore : refuseUnknown)
      rules.before?.(values, at)
      const read: Record<string, unknown> = {}
      for (const [name, field] of Object.entries(entries)) {
        const sent = readField(field, values.get(name), joined(at, name))
        if (sent !== undefined) read[name] = sent
      }
      rules.after?.(read as Read<E>, at)
      return read as Read<E>
    },
  }
}

function readField(field: Field<unknown>, value: unknown, at: string): unknown {
  if (value === undefined || value === null) return undefined
  const read = field.type.read(value, at)
  const checked = field.check?.(read, at) ?? read
  if (field.verdict === 'force') return emptyAsSent(read)
  return field.verdict === 'drop' ? undefined : checked
}

/** The engine shows `[]` and `{}` where the client sent them, and `null` where it did not. */
function emptyAsSent(value: unknown): unknown {
  const isEmpty = Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0
  return isEmpty ? value : undefined
}

type Unknown = (key: string, value: unknown, at: string) => void

const ignore: Unknown = () => undefined

function canonicalValues(object: Record<string, unknown>, canonical: ReadonlyMap<string, string>, at: string, unknown: Unknown): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [key, value] of Object.entries(object)) {
    const name = canonical.get(foldKey(key))
    if (name === undefined) unknown(key, value, at)
    else if (values.has(name)) throw new Refusal(400, `${joined(at, name)} is given twice (the second time as ${quoted(key)}); send it once`, joined(at, name))
    else values.set(name, value)
  }
  return values
}

function refuseUnknown(key: string, value: unknown, at: string): void {
  if (isZero(value)) return
  const field = joined(at, key.slice(0, 100))
  throw new Refusal(400, `${field} is not a field this gateway knows; leave it out, or ask the operator for a gateway that knows it`, field)
}

function joined(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}

function quoted(key: string): string {
  return JSON.stringify(key.slice(0, 100))
}
