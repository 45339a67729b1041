import type { Call } from '../endpoint.ts'
import { permit } from '../policy.ts'
import { forbidden } from '../refusal.ts'

/** Counts a build of the namespace until what it answers is called. Throws `Refusal` 403 beyond limits.builds. */
export function beginBuild({ ns, policy, host: { building } }: Pick<Call, 'ns' | 'policy' | 'host'>): () => void {
  const count = (building.get(ns) ?? 0) + 1
  const most = policy.limits.builds
  if (count > most) {
    permit(policy, forbidden({
      field: 'one more build', why: `the policy allows ${most} at a time`, instead: 'let some end, or ask the operator for a higher limits.builds',
    }, { path: 'limits.builds', value: count }))
  }
  building.set(ns, count)
  return () => {
    const left = building.get(ns)! - 1
    if (left > 0) building.set(ns, left)
    else building.delete(ns)
  }
}
