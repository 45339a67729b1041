/** The one sentence for values above a limit of the policy. */
import { forbidden, type Refusal } from '../refusal.ts'

/** `limit` names the policy's setting, e.g. `limits.memory`; `most` is the most it allows, in words. */
export function aboveLimit(field: string, limit: string, most: string): Refusal {
  return forbidden({ field, why: `it is above this namespace's limit of ${most} (policy: ${limit})`, instead: 'ask for less, or ask the operator for more' })
}
