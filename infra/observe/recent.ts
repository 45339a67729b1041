import type { Observer, Outcome } from '../../lib/outcome.ts'
import type { Refusal } from '../../lib/refusal.ts'
import type { Namespace } from '../../lib/store.ts'

/** A refusal as the operators' page shows it. */
export interface RecentRefusal {
  /** Milliseconds since the epoch. */
  at: number
  namespace: string | undefined
  label: string | undefined
  policy: string | undefined
  endpoint: string
  target: string
  status: number
  field: string | undefined
  message: string
  /** The policy only observed, and it was done. */
  permitted: boolean
}

/** A closed namespace as the operators' page shows it. */
export interface RecentClosing {
  /** Milliseconds since the epoch. */
  at: number
  id: string
  label: string
  why: string
}

/** What happened lately, in bounded memory. */
export interface Recent {
  observe: Observer
  /** Newest first. */
  refusals(): readonly RecentRefusal[]
  /** Namespaces that this gateway closed, newest first. */
  closed(): readonly RecentClosing[]
  /** Tells of a namespace that is closed. */
  noteClosed(namespace: Namespace): void
  /** When this gateway last served a namespace, in milliseconds since the epoch. */
  lastCall(ns: string): number | undefined
  /** Calls `listener` after each refusal and closing; answers what ends that. */
  onNews(listener: () => void): () => void
}

const keptOfEach = 200
const keptNamespaces = 20_000

/** The memory of one gateway, empty at its start. */
export function recent(): Recent {
  const refusals: RecentRefusal[] = []
  const closed: RecentClosing[] = []
  const calls = new Map<string, number>()
  const listeners = new Set<() => void>()
  const tell = () => { for (const listener of listeners) listener() }
  return {
    observe(outcome) {
      if (outcome.caller) remember(calls, outcome.caller.id, outcome.at)
      const told = [...outcome.permitted.map((refusal) => shown(outcome, refusal, true)), ...isTelling(outcome) ? [shown(outcome, outcome.refusal!, false)] : []]
      for (const one of told) keep(refusals, one)
      if (told.length > 0) tell()
    },
    refusals: () => refusals,
    closed: () => closed,
    noteClosed({ id, label, expires, lease }) {
      const at = Date.now()
      keep(closed, { at, id, label, why: expires <= at ? 'its lifetime was over' : lease <= at ? 'it was not used any more' : 'it was asked for' })
      tell()
    },
    lastCall: (ns) => calls.get(ns),
    onNews(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function keep<T>(list: T[], newest: T): void {
  list.unshift(newest)
  list.length = Math.min(list.length, keptOfEach)
}

/** The longest unused are first in the order of insertion. */
function remember(calls: Map<string, number>, ns: string, at: number): void {
  calls.delete(ns)
  calls.set(ns, at)
  if (calls.size > keptNamespaces) calls.delete(calls.keys().next().value!)
}

/** A 404 or 409 is an everyday answer; what operators act on are refusals by policy, of callers, and by a gateway that cannot. */
function isTelling({ refusal }: Outcome): boolean {
  return refusal !== undefined && (refusal.status === 401 || refusal.status === 403 || refusal.status === 429 || refusal.status >= 500)
}

function shown({ at, namespace, caller, endpoint, target }: Outcome, { status, field, message }: Refusal, permitted: boolean): RecentRefusal {
  return { at, namespace, label: caller?.label, policy: caller?.policy, endpoint, target: target.slice(0, 256), status, field, message: message.slice(0, 1024), permitted }
}
