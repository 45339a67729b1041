/** Labels a job may set. */
import { labelPrefix } from '../names.ts'
import { forbidden } from '../refusal.ts'
import { mapOf, text, type Type } from '../schema.ts'

/** Any label but the gateway's own, which are hidden from jobs and would be taken for its word by monitoring. */
export const labels: Type<Record<string, string>> = mapOf(text, (key, at) => {
  if (key.startsWith(labelPrefix)) {
    throw forbidden({ field: at, why: `labels starting with ${labelPrefix} are the gateway's own`, instead: 'choose another label' })
  }
})
