import type { Call } from '../endpoint.ts'
import { permit } from '../policy.ts'
import { forbidden } from '../refusal.ts'
import { codes, GrpcError } from '../grpc.ts'

/** Sessions in messages of a namespace at one time; a bake has one for each context that several of its targets share. */
const mostSessions = 48

/** Counts a build of the namespace until what it answers is called. Throws `Refusal` 403 beyond limits.builds. */
export function beginBuild({ ns, policy, host }: Pick<Call, 'ns' | 'policy' | 'host'>): () => void {
  const count = (host.building.get(ns) ?? 0) + 1
  const most = policy.limits.builds
  if (count > most) {
    permit(policy, forbidden({
      field: 'one more build', why: `the policy allows ${most} at a time`, instead: 'let some end, or ask the operator for a higher limits.builds',
    }, { path: 'limits.builds', value: count }))
  }
  return begin(host, ns, count)
}

/** Counts a session in messages until what it answers is called. Throws a GrpcError beyond what is held for one namespace. */
export function beginSession({ ns, host }: Pick<Call, 'ns' | 'host'>): () => void {
  const key = `${ns} sessions`
  const count = (host.building.get(key) ?? 0) + 1
  if (count > mostSessions) throw new GrpcError(codes.resourceExhausted, `this namespace has ${mostSessions} sessions in messages already; let some builds end first`)
  return begin(host, key, count)
}

function begin({ building }: Pick<Call['host'], 'building'>, key: string, count: number): () => void {
  building.set(key, count)
  return () => {
    const left = building.get(key)! - 1
    if (left > 0) building.set(key, left)
    else building.delete(key)
  }
}
