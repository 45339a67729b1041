/**
 * What the gateways of one farm share beside namespaces and claims: hosts and what is reserved on them, duties, and what is kept for all.
 * A part of the store interface; every verb is atomic.
 */
import type { Grant } from './openers/opener.ts'

/** An engine as the farm knows it. */
export interface HostRecord {
  readonly name: string
  /** unix://, tcp://, https:// or ssh://. */
  readonly url: string
  /** PEM texts for TLS towards the engine. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Bytes and cores that namespaces may reserve; what the engine has when absent. */
  readonly memory?: number
  readonly cpus?: number
}

/** A host and whether it takes new namespaces. */
export interface FarmHost extends HostRecord {
  readonly drained: boolean
}

/** What a namespace reserves on its host, or a host has to be reserved. */
export interface Share {
  /** Bytes. */
  readonly memory: number
  /** Cores, counted in thousandths. */
  readonly cpus: number
}

/** What is reserved on a host, and how many namespaces live there. */
export interface Load extends Share {
  readonly namespaces: number
}

/** A token that an operator made for a CI system; the token itself is kept nowhere. */
export interface TokenRecord {
  readonly name: string
  /** SHA-256 of the token, hex. */
  readonly hash: string
  /** What its bearer may open. */
  readonly grant: Grant
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly expires: number
}

/** That a namespace began to close, by the store's clock in milliseconds. */
export interface Closing {
  readonly ns: string
  readonly at: number
}

export interface Farm {
  hosts(): Promise<FarmHost[]>
  /** Adds a host or changes what is known of it; whether it is drained stays. */
  putHost(record: HostRecord): Promise<void>
  /** Says whether a host takes new namespaces. False when it is unknown. */
  drainHost(name: string, drained: boolean): Promise<boolean>
  /** Forgets a host on which no namespace lives. */
  removeHost(name: string): Promise<'removed' | 'unknown' | 'inhabited'>
  /** Load by host, for hosts on which namespaces live. */
  loads(): Promise<Map<string, Load>>
  /** Hosts on which namespaces of a trust domain live, those alone in a domain of their own not counted. */
  homes(domain: string): Promise<string[]>

  /**
   * Takes or prolongs a duty, which one gateway at a time does, for so many milliseconds. False while another has it. Whoever dies loses its
   * duties when their time is over.
   */
  takeDuty(duty: string, gateway: string, milliseconds: number): Promise<boolean>
  /** Gives a duty up, when the gateway has it. */
  leaveDuty(duty: string, gateway: string): Promise<void>
  /** Namespaces that began to close at or after this moment; those of the last ten minutes are remembered. */
  closings(since: number): Promise<Closing[]>

  /** The store's time of day, in milliseconds since the epoch: that of all its gateways. */
  now(): Promise<number>

  /** True for the first who spends this within so many milliseconds. */
  spend(what: string, milliseconds: number): Promise<boolean>
  /** As if it had not been spent. */
  unspend(what: string): Promise<void>

  /** Tokens that operators made, by name. */
  tokens(): Promise<TokenRecord[]>
  /** Adds a token. False when there is one of this name. */
  addToken(token: TokenRecord): Promise<boolean>
  /** False when there is none of this name. */
  removeToken(name: string): Promise<boolean>

  /** Keeps a text for all gateways unless there is one of this name, and answers the one that is kept. */
  keep(name: string, text: string): Promise<string>
  kept(name: string): Promise<string | undefined>
}

/** Milliseconds that no duty and no turn lasts: one that would has an end by a clock that was set back since. */
export const longerThanAny = 120_000

/** Milliseconds for which `closings` remembers. */
export const closingsKept = 600_000

/** Cores as stores count them. */
export function thousandths(cpus: number): number {
  return Math.round(cpus * 1000)
}
