import { filterBool, matchesExactly, matchesLabels, regexpTest, type Labels } from './match.ts'
import type { Filters } from './parse.ts'

/** Keys of `GET /volumes` (moby volume/service). */
export const volumeFilterKeys = ['dangling', 'driver', 'label', 'name'] as const

/** An entry of `GET /volumes`, in job names. */
export interface VolumeSummary {
  Name: string
  Driver?: string
  Labels?: Labels
}

export interface VolumeContext {
  /** Names (in the same form as `Name`) of the volumes that some container mounts; needed for `dangling`. */
  used?: ReadonlySet<string>
}

/** A test for the volumes of one list. `name` is a regular expression. Throws `Refusal` 400 with the engine's texts. */
export function volumeMatcher(filters: Filters, context: VolumeContext = {}): (volume: VolumeSummary) => boolean {
  const matchesName = regexpTest(filters, 'name')
  const dangling = filters.has('dangling') ? filterBool(filters, 'dangling', false) : undefined
  return (volume) => matchesName(volume.Name)
    && matchesExactly(filters, 'driver', volume.Driver ?? 'local')
    && matchesLabels(filters, 'label', volume.Labels)
    && (dangling === undefined || dangling !== (context.used?.has(volume.Name) === true))
}
