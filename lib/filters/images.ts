import { parseTime } from '../go/time.ts'
import { familiar, familiarName, parseReference } from '../reference.ts'
import { Refusal } from '../refusal.ts'
import { compileGlob } from './glob.ts'
import { filterBool, matchesLabels, type Labels } from './match.ts'
import type { Filters } from './parse.ts'

/** Keys of `GET /images/json` (moby daemon/images/image_list.go). */
export const imageFilterKeys = ['before', 'dangling', 'label', 'reference', 'since', 'until'] as const

/** An entry of `GET /images/json` with the references the job sees, in familiar form. */
export interface ImageSummary {
  Id: string
  /** Unix seconds. */
  Created?: number
  Labels?: Labels
  RepoTags?: readonly string[] | null
  RepoDigests?: readonly string[] | null
}

/** What the caller looks up; it also answers 404 for unknown images in `before` and `since`. Times are nanoseconds since the epoch. */
export interface ImageContext {
  /** When the oldest image of `before` was created. */
  before?: bigint
  /** When the newest image of `since` was created. */
  since?: bigint
  /** Creation time of an image id, finer than the seconds of the list, where images of one second must be told apart. */
  created?: (id: string) => bigint | undefined
  /** Now, in milliseconds since the epoch, for durations in `until`. Required when that is sent. */
  nowMs?: number
  /** The `all` parameter: images without references that others are built upon are shown too. */
  all?: boolean
  /** Is another image built upon this id? */
  hasChildren?: (id: string) => boolean
}

/**
 * Filters the images of one list: an image with the references that `reference` leaves of it, or undefined.
 * Throws `Refusal` 400 with the engine's texts.
 */
export function imageFilter<Image extends ImageSummary>(filters: Filters, context: ImageContext = {}): (image: Image) => Image | undefined {
  const dangling = filters.has('dangling') ? filterBool(filters, 'dangling', false) : undefined
  const inTime = timeTest(filters, context)
  const keeps = referenceTest(filters)
  return (image) => {
    if (!inTime(image) || !matchesLabels(filters, 'label', image.Labels)) return undefined
    const tags = references(image.RepoTags).filter(keeps)
    const digests = references(image.RepoDigests).filter(keeps)
    const isParent = context.hasChildren?.(image.Id) === true
    if (dangling === true && (tags.length > 0 || isParent)) return undefined
    const unnamed = tags.length + digests.length === 0
    if (unnamed && (filters.has('reference') || dangling === false || (isParent && !context.all))) return undefined
    return filters.has('reference') ? { ...image, RepoTags: tags, RepoDigests: digests } : image
  }
}

/** Engines before API 1.43 write `<none>` for no reference. */
function references(list: readonly string[] | null | undefined): string[] {
  return (list ?? []).filter((text) => !text.startsWith('<none>'))
}

function timeTest(filters: Filters, context: ImageContext): (image: ImageSummary) => boolean {
  const untils = (filters.get('until') ?? []).map((value) => {
    if (context.nowMs === undefined) throw new TypeError('until needs the time')
    const { seconds, nanos } = parseTime(value, context.nowMs)
    return seconds * 1_000_000_000n + BigInt(nanos)
  })
  const ends = context.before === undefined ? untils : [...untils, context.before]
  const { since } = context
  if (ends.length === 0 && since === undefined) return () => true
  return (image) => {
    const created = context.created?.(image.Id) ?? BigInt(Math.trunc(image.Created ?? 0)) * 1_000_000_000n
    return created !== 0n && ends.every((end) => created < end) && (since === undefined || created > since)
  }
}

/** Patterns are Go globs over `name:tag` (or `name@digest`) and over the name alone, both familiar (reference.FamiliarMatch). */
function referenceTest(filters: Filters): (reference: string) => boolean {
  const globs = (filters.get('reference') ?? []).map((pattern) => {
    const glob = compileGlob(pattern)
    if (glob === undefined) throw new Refusal(400, 'syntax error in pattern', 'filters.reference')
    return glob
  })
  if (!filters.has('reference')) return () => true
  return (text) => {
    const forms = familiarForms(text)
    return globs.some((glob) => forms.some((form) => glob(form)))
  }
}

function familiarForms(text: string): string[] {
  try {
    const ref = parseReference(text)
    return [familiar(ref), familiarName(ref)]
  } catch {
    return [text]
  }
}
