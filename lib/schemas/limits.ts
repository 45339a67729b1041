/** The one sentence for values above a limit of the policy. */
import { forbidden, type Refusal } from '../refusal.ts'

/** `limit` names the policy's setting, e.g. `limits.memory`; `most` is the most it allows, in words; `wanted` is what it would have to be. */
export function aboveLimit(field: string, limit: string, most: string, wanted: number): Refusal {
  const why = `it is above this namespace's limit of ${most} (policy: ${limit})`
  return forbidden({ field, why, instead: 'ask for less, or ask the operator for more' }, { path: limit, value: wanted })
}
