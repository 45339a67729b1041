import { parseBoolStrict } from '../go/bool.ts'
import { parseTime, type Timestamp } from '../go/time.ts'
import { Refusal } from '../refusal.ts'
import { matchesLabels, type Labels } from './match.ts'
import type { Filters } from './parse.ts'

/** Keys of the prune endpoints (moby daemon/prune.go, daemon/images/image_prune.go, volume/service). */
export const pruneFilterKeys = ['label', 'label!', 'until'] as const
export const imagePruneFilterKeys = ['dangling', 'label', 'label!', 'until'] as const
export const volumePruneFilterKeys = ['all', 'label', 'label!'] as const

/**
 * May an object be pruned? `createdSeconds`: Unix seconds, may have a fraction. `until`: what `pruneUntil` gave; required when the filter
 * has `until`, so that a forgotten one never removes too much (throws TypeError).
 */
export function matchPrune(filters: Filters, labels: Labels, createdSeconds: number, until?: Timestamp): boolean {
  if (filters.has('until') && until === undefined) throw new TypeError('matchPrune needs the moment of until')
  if (until !== undefined && createdSeconds > Number(until.seconds) + until.nanos / 1e9) return false
  if (!matchesLabels(filters, 'label', labels)) return false
  return !filters.has('label!') || !matchesLabels(filters, 'label!', labels)
}

/** The moment of `until`; nothing created after it is pruned. Throws `Refusal` 400 for several, none, and what is no moment. */
export function pruneUntil(filters: Filters, nowMs: number): Timestamp | undefined {
  const values = filters.get('until')
  if (values === undefined) return undefined
  if (values.length > 1) throw new Refusal(400, 'more than one until filter specified', 'filters.until')
  return parseTime(values[0] ?? '', nowMs)
}

/** The `all` of a volume prune: also volumes with names. Before API 1.42 it is always on, which is for the caller. */
export function pruneAllVolumes(filters: Filters): boolean {
  const values = filters.get('all') ?? []
  if (values.length === 0) return false
  if (values.length > 1) throw new Refusal(400, `invalid filter 'all=[${values.join(' ')}]': only one value is expected`, 'filters.all')
  try {
    return parseBoolStrict(values[0]!)
  } catch (error) {
    throw new Refusal(400, `invalid filter 'all': ${(error as Refusal).message}`, 'filters.all')
  }
}
