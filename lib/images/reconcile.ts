import { listImages, type EngineImage } from '../engine-objects.ts'
import type { Host } from '../engine.ts'
import { namespacePattern, storedRegistry } from '../names.ts'
import { fromStored, normalised, parseReference, storedReference, untaggedReference } from '../reference.ts'
import type { Claim, Store } from '../store.ts'
import { adoptImage } from './adopt.ts'
import { clearLeft } from './real.ts'
import { isDigest } from './table.ts'

/** A tag that an archive, an import or a commit gets on the engine until its image is adopted: `token` is fresh. */
export function loadingReference(ns: string, token: string): string {
  return `${storedRegistry}/${ns}/loading:${token}`
}

/** What is to be done so that engine and store agree on images. */
export interface ImageRepairs {
  /** Stored tags without a claim: their namespace made them. `reference` is absent for anchors. */
  adopt: { ns: string; id: string; reference?: string }[]
  /** Claims whose stored tag or image is gone. */
  release: Claim[]
}

/**
 * Compares the engine's images with the claims of the namespaces that live on it. `claims` (kinds image and reference) were read before the
 * images, so that none is mistaken for gone. Tags of loads are the business of whoever has their turn.
 */
function imageRepairs(images: readonly EngineImage[], claims: readonly Claim[], namespaces: ReadonlySet<string>): ImageRepairs {
  const repairs: ImageRepairs = { adopt: [], release: [] }
  const stored = new Map(images.flatMap(({ Id, RepoTags }) => (RepoTags ?? []).filter((tag) => tag.startsWith(`${storedRegistry}/`)).map((tag) => [tag, Id])))
  const expected = new Map(claims.flatMap((claim) => storedTag(claim).map((tag) => [tag, claim] as const)))
  for (const [tag, id] of stored) {
    const ns = tag.split('/')[1] ?? ''
    if (!namespaces.has(ns) || !namespacePattern.test(ns) || tag.startsWith(loadingReference(ns, '')) || expected.get(tag)?.id === id) continue
    const job = fromStored(ns, tag)
    repairs.adopt.push({ ns, id, ...(job !== undefined && { reference: normalised(parseReference(job)) }) })
  }
  const present = new Set(images.map((image) => image.Id))
  repairs.release = claims.filter((claim) => storedTag(claim).some((tag) => !stored.has(tag)) || !present.has(claim.id!))
  return repairs
}

/** The tag a claim has on the engine: none for digests. */
function storedTag({ ns, kind, name, id }: Claim): string[] {
  if (kind === 'image') return [untaggedReference(ns, id!)]
  return isDigest(name) ? [] : [storedReference(ns, parseReference(name))]
}

/** Makes the store and a host agree on images, as `reconcile` does for other objects, and removes what died with its maker. */
export async function reconcileImages(host: Host, store: Store): Promise<void> {
  await clearLeft(host)
  const mine = (await store.namespaces(host.name)).map((namespace) => namespace.id)
  const claims = (await Promise.all(mine.flatMap((ns) => [store.claims(ns, 'image'), store.claims(ns, 'reference')]))).flat()
  const repairs = imageRepairs(await listImages(host), claims, new Set(mine))
  for (const { ns, id, reference } of repairs.adopt) {
    await adoptImage({ ns, host, store }, id)
    if (reference !== undefined) await store.claim({ ns, kind: 'reference', name: reference, id })
  }
  for (const claim of repairs.release) await store.release(claim.ns, claim.kind, claim.name)
}
