import { parseAnswer } from '../../../lib/json.ts'
import type { Claim, Kind } from '../../../lib/store.ts'

/** Every kind that can be claimed. */
export const kinds: readonly Kind[] = ['container', 'exec', 'network', 'volume', 'image', 'reference', 'port', 'source']

/** Ids that several namespaces may claim, because they name content. */
export const sharedKinds: ReadonlySet<Kind> = new Set<Kind>(['image', 'reference'])

/**
 * What the farm shares lies together, so that a script can write all of it:
 * - namespaces: sorted set of the ids of all namespaces by the moment at which they must be looked at; one whose record is missing is none
 * - places: hash of namespaces: host, memory, thousandths of cores, domain and opener, a line each
 * - on: sorted set of `<host>\n<ns>`, all scores 0; homes: the same of `<domain>\n<host>\n<ns>`; openers: of `<opener>\n<ns>`
 * - load: hash of hosts: namespaces, memory and thousandths of cores, a line each
 * - hosts: hash of names: record as JSON; drained: set of names
 * - closings: sorted set of namespaces by the moment at which they began to close
 * - kept: hash of texts; tokens: hash of names: record as JSON
 */
export const farmKeys = {
  namespaces: 'moorage:{farm}:namespaces',
  places: 'moorage:{farm}:places',
  on: 'moorage:{farm}:on',
  homes: 'moorage:{farm}:homes',
  openers: 'moorage:{farm}:openers',
  load: 'moorage:{farm}:load',
  hosts: 'moorage:{farm}:hosts',
  drained: 'moorage:{farm}:drained',
  closings: 'moorage:{farm}:closings',
  kept: 'moorage:{farm}:kept',
  tokens: 'moorage:{farm}:tokens',
} as const

/** Text: the gateway that has a duty; it ends by itself. */
export function dutyKey(duty: string): string {
  return `moorage:duty:{${duty}}`
}

/** There while something is spent. */
export function spentKey(what: string): string {
  return `moorage:spent:{${what}}`
}

/** Hash of one namespace. Everything of a namespace shares its hash tag, and with it its place in a cluster. */
export function recordKey(ns: string): string {
  return `moorage:{${ns}}`
}

/** Hash of a kind: job name → what `encode` says of the claim or reservation. */
export function namesKey(ns: string, kind: Kind): string {
  return `moorage:{${ns}}:${kind}:names`
}

/** Sorted set of a kind, all scores 0: `<id>\n<job name>` of every claim, and of claims that are on their way in or out. */
export function idsKey(ns: string, kind: Kind): string {
  return `moorage:{${ns}}:${kind}:ids`
}

/** Set of the namespaces that may claim an engine id. It is written before the claim and removed after it. */
export function ownersKey(kind: Kind, id: string): string {
  return `moorage:owners:${kind}:{${id}}`
}

/** The keys of one kind as scripts take them: record, names, ids. */
export function keysOf(ns: string, kind: Kind): [string, string, string] {
  return [recordKey(ns), namesKey(ns, kind), idsKey(ns, kind)]
}

/** A claim and its age: claims of a namespace are numbered in the order in which their names were taken. */
export interface Numbered {
  claim: Claim
  number: number
}

/** Reads what the scripts write into a names hash: number and size, id ('' while only reserved) and facts as JSON, a line each. */
export function decode(ns: string, kind: Kind, name: string, value: string): Numbered {
  const [number, id, facts] = value.split('\n') as [string, string, string]
  return { number: Number.parseInt(number, 10), claim: { ns, kind, name, id: id === '' ? undefined : id, facts: parseAnswer(facts) } }
}
