import type { Call } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { overFull, overLimit, quota } from '../ownership.ts'
import { permit } from '../policy.ts'
import { normalised, storedReference, untaggedReference, type Reference } from '../reference.ts'
import { messageOf, Refusal } from '../refusal.ts'

/**
 * How images become a namespace's own and cease to be.
 *
 * Each image of a namespace has an anchor on the engine, a stored tag that names nothing but the id, beside the stored tags of its
 * references: whatever happens to references, the engine never takes an image away that a namespace still sees, and everything of a
 * namespace is found by its prefix. The engine is told first and the store second, so that a crash leaves only what carries the prefix.
 */

type Holder = Pick<Call, 'ns' | 'store' | 'host'> & { policy?: Call['policy'] }

/**
 * Makes an image that is on the engine visible to the namespace. Repeating it changes nothing.
 * Throws `Refusal` 403 beyond limits.images and limits.imageBytes, 503 when the namespace is closing.
 */
export async function adoptImage(call: Holder, id: string): Promise<void> {
  const size = Number((await call.host.image(id))?.Size ?? 0)
  const result = await call.store.reserve({ ns: call.ns, kind: 'image', name: id, ...(call.policy ? quota(call.policy, 'image', size) : { size }) })
  if (result.outcome === 'full') return overFull(call, 'image', result, () => adoptImage({ ...call, policy: undefined }, id))
  if (result.outcome === 'closed') throw closing()
  if (result.outcome === 'taken' && result.claim.id !== undefined) return
  const anchor = untaggedReference(call.ns, id)
  try {
    await tagAs(call, id, anchor)
  } catch (error) {
    await call.store.release(call.ns, 'image', id)
    throw error
  }
  if (await call.store.claim({ ns: call.ns, kind: 'image', name: id, id, size })) return
  await untagStored(call, anchor)
  throw closing()
}

/** What is new for the namespace must fit into its limit: asked before an engine makes it. Throws `Refusal` 403. */
export async function refuseWhenFull({ ns, store, policy }: Pick<Call, 'ns' | 'store' | 'policy'>): Promise<void> {
  const count = (await store.claims(ns, 'image')).length
  if (count >= policy.limits.images) permit(policy, overLimit('image', { limit: policy.limits.images, of: 'count' }, count + 1))
}

/** Gives a visible image a reference of the namespace, taking it from another image when it has it. Digests exist only in the store. */
export async function nameImage(call: Holder, id: string, reference: Reference): Promise<void> {
  const stored = reference.digest ? undefined : storedReference(call.ns, reference)
  if (stored !== undefined) await tagAs(call, id, stored)
  if (await call.store.claim({ ns: call.ns, kind: 'reference', name: normalised(reference), id })) return
  if (stored !== undefined) await untagStored(call, stored)
  throw closing()
}

/** Remembers when an image was tagged (`Metadata.LastTagTime`). `now`: milliseconds since the epoch. */
export async function noteTagged(call: Holder, id: string, now: number): Promise<void> {
  await call.store.claim({ ns: call.ns, kind: 'image', name: id, id, facts: { tagged: new Date(now).toISOString() } })
}

/** Ends a reference. `stored`: its tag on the engine, undefined for digests. */
export async function unname(call: Holder, name: string, stored: string | undefined): Promise<void> {
  if (stored !== undefined) await untagStored(call, stored)
  await call.store.release(call.ns, 'reference', name)
}

/** Ends the namespace's hold on an image without references; the engine deletes it when nobody else has it. */
export async function disown(call: Holder, id: string, { prune }: { prune: boolean }): Promise<void> {
  await untagStored(call, untaggedReference(call.ns, id), prune)
  await call.store.release(call.ns, 'image', id)
}

function closing(): Refusal {
  return new Refusal(503, 'this namespace is being closed; open a new one')
}

/** Tags on the engine. Throws its complaint. */
export async function tagAs({ host }: Pick<Holder, 'host'>, id: string, stored: string): Promise<void> {
  const colon = stored.lastIndexOf(':')
  const answer = await host.call({ method: 'POST', path: at`/images/${id}/tag`, query: { repo: stored.slice(0, colon), tag: stored.slice(colon + 1) } })
  if (answer.status >= 300) throw new Refusal(answer.status, messageOf(answer.text))
}

/**
 * Removes one reference from the engine. Forced, which for a reference means only that stopped containers do not keep the last one;
 * other references, and with them other namespaces, are never touched. One that is gone already is fine.
 */
export async function untagStored({ host }: Pick<Holder, 'host'>, reference: string, prune = false): Promise<void> {
  const answer = await host.call({ method: 'DELETE', path: at`/images/${reference}`, query: { force: true, noprune: !prune } })
  if (answer.status >= 300 && answer.status !== 404) throw new Refusal(answer.status, messageOf(answer.text))
}
