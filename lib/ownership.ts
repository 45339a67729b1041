import type { Call, Reserve } from './endpoint.ts'
import { storedName } from './names.ts'
import { forbidden, Refusal } from './refusal.ts'
import type { Claim, Facts, Kind } from './store.ts'

/** Object counts a policy limits, by kind. */
const limitOf = { container: 'containers', network: 'networks', volume: 'volumes', image: 'images' } as const

/**
 * Takes a name for an object that is about to be created.
 *
 * The engine decides what exists: a claim whose object is gone from the engine gives its name up (a container removed by itself a moment
 * ago), and a reservation left by a crash is completed when the engine has the object under the stored name.
 * Throws what `taken` makes when the name is in use, 403 beyond the policy's count, 404 when the namespace is closing.
 */
export async function takeName(call: Call, reserve: Reserve): Promise<void> {
  const { kind, name } = reserve
  const limit = kind in limitOf ? call.policy.limits[limitOf[kind as keyof typeof limitOf]] : undefined
  for (let attempt = 0; attempt < 2; attempt++) {
    const result = await call.store.reserve({ ns: call.ns, kind, name, limit })
    if (result.outcome === 'reserved') return
    if (result.outcome === 'closed') throw closed()
    if (result.outcome === 'full') throw overLimit(kind, result.limit)
    if (attempt > 0 || await stillThere(call, result.claim)) throw reserve.taken(result.claim)
    await call.store.release(call.ns, kind, name)
  }
}

/** The refusal of one object too many. */
export function overLimit(kind: Kind, limit: number): Refusal {
  return forbidden({ field: `one more ${kind}`, why: `the policy allows ${limit} at a time`, instead: `remove some, or ask the operator for a higher limits.${limitOf[kind as keyof typeof limitOf] ?? kind}` })
}

/**
 * Claims what the engine has just made. When the namespace was closed meanwhile the object is removed again, so that nothing is left
 * without an owner, and a 503 is thrown.
 */
export async function claimMade(call: Call, claim: { kind: Kind; name: string; id: string; facts?: Facts }): Promise<void> {
  if (await call.store.claim({ ns: call.ns, ...claim })) return
  const path = pathOf(call.ns, claim)
  if (path !== undefined) await call.host.call({ method: 'DELETE', path, query: claim.kind === 'container' ? { force: true, v: true } : {} })
  throw closed()
}

function closed(): Refusal {
  return new Refusal(503, 'this namespace is being closed; open a new one')
}

function pathOf(ns: string, { kind, name, id }: { kind: Kind; name: string; id: string | undefined }): string | undefined {
  return { container: `/containers/${id}`, network: `/networks/${id}`, volume: `/volumes/${id ?? storedName(ns, name)}` }[kind as string]
}

async function stillThere(call: Call, claim: Claim): Promise<boolean> {
  // A reservation without an id belongs to a create that is under way in this or another gateway; reconciling settles those of crashes.
  if (claim.id === undefined) return true
  const path = pathOf(call.ns, claim)
  if (path === undefined) return true
  return (await call.host.call({ method: 'GET', path: claim.kind === 'container' ? `${path}/json` : path })).status !== 404
}
