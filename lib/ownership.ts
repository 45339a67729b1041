import type { Call, Reserve } from './endpoint.ts'
import { inspectPath, objectKinds, objectPath, type ObjectKind } from './engine-objects.ts'
import { forbidden, Refusal } from './refusal.ts'
import { permit, type Policy } from './policy.ts'
import { sizeWords } from './schemas/sizes.ts'
import type { Claim, Facts, Kind, Reservation } from './store.ts'

/** What a policy limits of each kind: how many objects, and what they come to together. */
const limitsOf: Partial<Record<Kind, { count: keyof Policy['limits'] & ('containers' | 'networks' | 'volumes' | 'images'); size?: 'ports' | 'imageBytes' }>> = {
  container: { count: 'containers', size: 'ports' }, network: { count: 'networks' }, volume: { count: 'volumes' }, image: { count: 'images', size: 'imageBytes' },
}

/** The limits of a kind as the store takes them, for an object of that size. */
export function quota({ limits }: Policy, kind: Kind, size = 0): Pick<Reservation, 'limit' | 'size' | 'room'> {
  const { count, size: sum } = limitsOf[kind] ?? {}
  // What takes nothing always fits, also when the limit was lowered meanwhile.
  return { limit: count && limits[count], size, room: sum && size > 0 ? limits[sum] : undefined }
}

/**
 * Takes a name for an object that is about to be created.
 *
 * The engine decides what exists: a claim whose object is gone from the engine gives its name up (a container removed by itself a moment
 * ago), and a reservation left by a crash is completed when the engine has the object under the stored name.
 * Throws what `taken` makes when the name is in use, 403 beyond the policy's limits, 404 when the namespace is closing.
 */
export async function takeName(call: Call, reserve: Reserve, limits = quota(call.policy, reserve.kind, reserve.size)): Promise<void> {
  const { kind, name, size } = reserve
  for (let attempt = 0; attempt < 2; attempt++) {
    const result = await call.store.reserve({ ns: call.ns, kind, name, ...limits })
    if (result.outcome === 'reserved') return
    if (result.outcome === 'closed') throw closed()
    if (result.outcome === 'full') return overFull(call, kind, result, () => takeName(call, reserve, { size }))
    if (attempt > 0 || await stillThere(call, result.claim)) throw reserve.taken(result.claim)
    await call.store.releaseId(call.ns, kind, result.claim.id!)
  }
}

/** Refuses what is over a limit, or where the policy only observes, does it without one. */
export async function overFull<T>({ ns, store, policy }: Pick<Call, 'ns' | 'store'> & { policy?: Policy }, kind: Kind, full: Full, work: () => Promise<T>): Promise<T> {
  // The count that would be enough; sizes are only known to the store.
  const enough = full.of === 'count' && policy?.notice ? (await store.claims(ns, kind)).length + 1 : full.limit + 1
  permit(policy ?? {}, overLimit(kind, full, enough))
  return work()
}

type Full = { limit: number; of: 'count' | 'size' }

/** The refusal of one object too many, or of one too large; `enough` is what the limit would have to be. */
export function overLimit(kind: Kind, { limit, of }: Full, enough = limit + 1): Refusal {
  const setting = limitsOf[kind]?.[of] ?? kind
  const lifts = { path: `limits.${setting}`, value: enough }
  const operator = `or ask the operator for a higher limits.${setting}`
  if (setting === 'ports') return forbidden({ field: 'HostConfig.PortBindings', why: `with those of the other containers it comes to more than the ${limit} published ports that the policy allows at a time`, instead: `remove containers that publish ports, ${operator}` }, lifts)
  if (setting === 'imageBytes') return forbidden({ field: 'one more image', why: `the images would come to more than the ${sizeWords(limit)} that the policy allows`, instead: `remove some, ${operator}` }, lifts)
  return forbidden({ field: `one more ${kind}`, why: `the policy allows ${limit} at a time`, instead: `remove some, ${operator}` }, lifts)
}

/**
 * Claims what the engine has just made. When the namespace was closed meanwhile the object is removed again, so that nothing is left
 * without an owner, and a 503 is thrown.
 */
export async function claimMade(call: Call, claim: { kind: Kind; name: string; id: string; facts?: Facts; size?: number }): Promise<void> {
  if (await call.store.claim({ ns: call.ns, ...claim })) return
  const { kind, id } = claim
  if (isObjectKind(kind)) await call.host.call({ method: 'DELETE', path: objectPath(kind, id), query: kind === 'container' ? { force: true, v: true } : {} })
  throw closed()
}

function closed(): Refusal {
  return new Refusal(503, 'this namespace is being closed; open a new one')
}

function isObjectKind(kind: Kind): kind is ObjectKind {
  return (objectKinds as readonly Kind[]).includes(kind)
}

async function stillThere(call: Call, { kind, id }: Claim): Promise<boolean> {
  // A reservation without an id belongs to a create that is under way in this or another gateway; reconciling settles those of crashes.
  if (id === undefined || !isObjectKind(kind)) return true
  return (await call.host.call({ method: 'GET', path: inspectPath(kind, id) })).status !== 404
}
