import type { Host } from '../engine.ts'
import { parseAnswer } from '../json.ts'
import { namespacePattern, storedRegistry } from '../names.ts'
import { fromStored, normalised, parseReference, storedReference, untaggedReference } from '../reference.ts'
import type { Claim, Store } from '../store.ts'
import { adoptImage, unname, untagStored } from './adopt.ts'
import { isDigest } from './table.ts'

/**
 * A pull makes the real reference appear on the engine for a while. It is announced in the store as a reservation whose name no
 * reference can have, so that whoever finds the reference after a crash knows that it is nobody's.
 */
export const pullMark = (real: string) => `pull ${real}`

/** The reference of a mark, whole, as it was written: short forms could be taken for ids. */
const markedReference = (mark: string) => mark.slice(pullMark('').length)

/** A tag that an archive or import gets on the engine until its image is adopted: `token` is fresh. */
export function loadingReference(ns: string, token: string): string {
  return `${storedRegistry}/${ns}/loading:${token}`
}

/** An image on the engine with all its references, `GET /images/json`. */
export interface EngineImage {
  Id: string
  RepoTags: readonly string[] | null
}

/** What is to be done so that engine and store agree on images. */
export interface ImageRepairs {
  /** Stored tags without a claim: their namespace made them. `reference` is absent for anchors. */
  adopt: { ns: string; id: string; reference?: string }[]
  /** Claims whose stored tag is gone. */
  release: Claim[]
  /** References on the engine that a crash left behind: unfinished loads and pulls. */
  untag: string[]
}

/**
 * Compares the engine's images with the claims of the namespaces that live on it. With `settle`, what was under way is ended: nobody
 * is pulling or loading any more. `claims` (kinds image and reference) were read before the images, so that none is mistaken for gone.
 */
export function imageRepairs(images: readonly EngineImage[], claims: readonly Claim[], reservations: readonly Claim[], namespaces: ReadonlySet<string>, settle: boolean): ImageRepairs {
  const repairs: ImageRepairs = { adopt: [], release: [], untag: [] }
  const stored = new Map(images.flatMap(({ Id, RepoTags }) => (RepoTags ?? []).filter((tag) => tag.startsWith(`${storedRegistry}/`)).map((tag) => [tag, Id])))
  const expected = new Map(claims.flatMap((claim) => storedTag(claim).map((tag) => [tag, claim] as const)))
  for (const [tag, id] of stored) {
    const ns = tag.split('/')[1] ?? ''
    if (!namespaces.has(ns) || !namespacePattern.test(ns)) continue
    if (tag.startsWith(`${storedRegistry}/${ns}/loading:`)) {
      if (settle) repairs.untag.push(tag)
    } else if (expected.get(tag)?.id !== id) {
      const job = fromStored(ns, tag)
      repairs.adopt.push({ ns, id, ...(job !== undefined && { reference: normalised(parseReference(job)) }) })
    }
  }
  const present = new Set(images.map((image) => image.Id))
  repairs.release = claims.filter((claim) => storedTag(claim).some((tag) => !stored.has(tag)) || !present.has(claim.id!))
  if (settle) {
    const marks = reservations.filter((left) => left.kind === 'reference' && left.name.startsWith(pullMark('')))
    repairs.untag.push(...marks.map((left) => markedReference(left.name)))
  }
  return repairs
}

/** The tag a claim has on the engine: none for digests. */
function storedTag({ ns, kind, name, id }: Claim): string[] {
  if (kind === 'image') return [untaggedReference(ns, id!)]
  return isDigest(name) ? [] : [storedReference(ns, parseReference(name))]
}

/**
 * Makes the store and a host agree on images, as `reconcile` does for other objects; call it first, since that one ends reservations.
 * `settle`: no pull or load is under way in any gateway.
 */
export async function reconcileImages(host: Host, store: Store, settle: boolean): Promise<void> {
  const mine = (await store.namespaces()).filter((namespace) => namespace.host === host.name).map((namespace) => namespace.id)
  const claims = (await Promise.all(mine.flatMap((ns) => [store.claims(ns, 'image'), store.claims(ns, 'reference')]))).flat()
  const reservations = (await Promise.all(mine.map((ns) => store.reservations(ns)))).flat()
  const answer = await host.call({ method: 'GET', path: '/images/json' })
  if (answer.status !== 200) throw new Error(`GET /images/json answered ${answer.status}: ${answer.text.trim()}`)
  const repairs = imageRepairs(parseAnswer(answer.text) as EngineImage[], claims, reservations, new Set(mine), settle)
  for (const { ns, id, reference } of repairs.adopt) {
    await adoptImage({ ns, host, store }, id)
    if (reference !== undefined) await store.claim({ ns, kind: 'reference', name: reference, id })
  }
  for (const claim of repairs.release) await store.release(claim.ns, claim.kind, claim.name)
  for (const tag of repairs.untag) await untagStored({ ns: '', host, store }, tag)
}

/** Ends what a namespace's pulls left behind on the engine; for closing it. */
export async function settlePulls(host: Host, store: Store, ns: string): Promise<void> {
  const marks = (await store.reservations(ns)).filter((left) => left.kind === 'reference' && left.name.startsWith(pullMark('')))
  for (const { name } of marks) {
    await untagStored({ ns, host, store }, markedReference(name))
    await unname({ ns, host, store }, name, undefined)
  }
}
