/**
 * What the gateway must remember: namespaces and who owns what.
 *
 * Every verb is atomic. Ownership is a claim in the store and never a label on an engine.
 * Implementations: sqlite (embedded) and redis; both pass one contract suite.
 */

import type { Farm, Share } from './farm.ts'
import type { TurnStore } from './turns.ts'

/**
 * What can be owned. `reference` maps a normalised image reference (as name) to an image id; many references may share an id.
 * `port` is a port of the gateways (`40000/tcp`, as name and as id), `source` an address the namespace's API calls come from.
 */
export type Kind = 'container' | 'exec' | 'network' | 'volume' | 'image' | 'reference' | 'port' | 'source'

export interface Namespace {
  /** 16 characters, `[a-z][a-z0-9]{15}`. */
  readonly id: string
  /** Name of the host the namespace lives on. */
  readonly host: string
  /** Name of the policy it was opened with. */
  readonly policy: string
  /** What people call it: a CI job's or project's name; free text of at most 256 characters, may be empty. */
  readonly label: string
  /**
   * Its trust domain: namespaces of one domain may share what one job could spoil for another (build caches). What the opener named,
   * else the namespace's own id, which is shared with nobody.
   */
  readonly domain: string
  /** Who opened it (`Opener.name`): it is shown to and closed by these, operators and itself only. */
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly opened: number
  /** The end of its lifetime, milliseconds since the epoch: it is closed then, used or not. */
  readonly expires: number
  /** The end of its lease, milliseconds since the epoch: it is closed then unless it was used and the lease extended. */
  readonly lease: number
  readonly state: 'open' | 'closing'
}

/** Small facts kept beside a claim: JSON values, and bigints, which are `RawJson` (lib/json.ts) when they are read. */
export type Facts = Readonly<Record<string, unknown>>

export interface Claim {
  readonly ns: string
  readonly kind: Kind
  /** The job name: unique per namespace and kind. Kinds without names of their own (exec, image) use the id. */
  readonly name: string
  /** The engine's full id (volumes: the stored name). Undefined while only reserved. */
  readonly id: string | undefined
  readonly facts: Facts
}

/** What is wanted when reserving: `limit` counts claims and reservations of this kind in the namespace. */
export interface Reservation {
  ns: string
  kind: Kind
  name: string
  limit?: number
  /**
   * What it takes of something that all claims and reservations of the kind share, in whole units: `room` is the most their sizes may come to.
   * A size is kept until the claim ends, also under another name; 0 when not given.
   */
  size?: number
  room?: number
  /** The gateway that reserves; kept as the fact `by`, so that others know when nobody is creating the object any more. */
  by?: string
}

export type ReserveOutcome =
  | { outcome: 'reserved' }
  | { outcome: 'taken'; claim: Claim }
  /** `of`: what there is too much of, objects or their sizes. */
  | { outcome: 'full'; limit: number; of: 'count' | 'size' }
  | { outcome: 'closed' }

/** What a namespace reserves on its host, what the host has for all, and how many namespaces its opener may have; any number when absent. */
export interface Place {
  takes: Share
  of: Share
  most?: number
}

export interface Store extends Farm {
  /**
   * Records a new namespace on its host. With a place, only while the farm has that host, it is not drained, and what is reserved there stays
   * within what it has; and only while its opener has fewer namespaces than the most it may have ('many': it has not), whatever their state.
   * Throws when the id is already used.
   */
  open(namespace: Namespace, place?: Place): Promise<'opened' | 'full' | 'drained' | 'many'>
  find(ns: string): Promise<Namespace | undefined>
  /** Every namespace, or those of one host; the first opened first. */
  namespaces(host?: string): Promise<Namespace[]>
  /** Namespaces that are closing or whose lease or lifetime is over at this moment. */
  due(now: number): Promise<Namespace[]>
  /** Moves the end of the lease; never backwards. */
  extend(ns: string, lease: number): Promise<void>
  /**
   * Marks a namespace as closing: reservations are refused from here on, and every gateway is told by `closings`. False when it is unknown or
   * already closing.
   */
  close(ns: string): Promise<boolean>
  /** Forgets a namespace, every claim it still has and what it reserved on its host. */
  forget(ns: string): Promise<void>

  /** Takes a name before the engine is asked to create the object. */
  reserve(reservation: Reservation): Promise<ReserveOutcome>
  /**
   * Records the id (and facts) of a reserved name, or creates the claim when nothing was reserved.
   * A claim that exists under this name is overwritten (a reference that moves to another image); its size stays when none is given.
   * Refused with `false` when the namespace is not open (any more), and when the id is claimed, for this kind, by another namespace; the latter
   * never for `reference` and `image`, whose ids are shared content. Who is refused removes what was made.
   */
  claim(claim: { ns: string; kind: Kind; name: string; id: string; facts?: Facts; size?: number }): Promise<boolean>
  /** Gives a claim another name; a reservation is none yet. 'taken' when that name is in use in the namespace. */
  rename(ns: string, kind: Kind, from: string, to: string): Promise<'renamed' | 'taken' | 'missing'>
  /** Ends a claim or reservation by name. */
  release(ns: string, kind: Kind, name: string): Promise<void>
  /** Ends the claim(s) on an engine id of one namespace and tells the names they had. */
  releaseId(ns: string, kind: Kind, id: string): Promise<string[]>

  /** One claimed object by its job name. Reservations without an id are not found. */
  byName(ns: string, kind: Kind, name: string): Promise<Claim | undefined>
  /** One claimed object by its full id. */
  byId(ns: string, kind: Kind, id: string): Promise<Claim | undefined>
  /** Claims whose id starts with the prefix (1 to 64 lower-case hex digits); at most two are returned, enough to tell "ambiguous". */
  byIdPrefix(ns: string, kind: Kind, prefix: string): Promise<Claim[]>
  /** Every claim of a kind that has an id, oldest first. */
  claims(ns: string, kind: Kind): Promise<Claim[]>
  /** Names reserved but not claimed yet, for reconciling after a crash. */
  reservations(ns: string): Promise<Claim[]>
  /** Namespaces that claim an engine id; one for containers, networks, volumes and execs, possibly several for images. */
  owners(kind: Kind, id: string): Promise<string[]>

  readonly turns: TurnStore

  shutdown(): Promise<void>
}
