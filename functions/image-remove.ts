import { announcePrune } from '../lib/events.ts'
import { endpoint, type Call } from '../lib/endpoint.ts'
import { parseFilters } from '../lib/filters/parse.ts'
import { filterBool } from '../lib/filters/match.ts'
import { imagePruneFilterKeys, matchPrune, pruneUntil } from '../lib/filters/prune.ts'
import { hasChildren, planRemoval } from '../lib/images/delete-plan.ts'
import { carryOut, gather, type Removed, type Removing } from '../lib/images/remove.ts'
import { isDigest, shown, visibleImages } from '../lib/images/table.ts'
import { flag, text } from '../lib/query.ts'
import { forbidden, Refusal } from '../lib/refusal.ts'
import { ownContainers } from './container-list.ts'

/** One removal of a namespace's images at a time: each is planned on what the one before left. */
const alone = <T>(call: Call, work: () => Promise<T>) => call.host.exclusively(`images:${call.ns}`, work)

async function removing(call: Call): Promise<Removing> {
  const images = await visibleImages(call.store, call.host, call.ns)
  return gather(call, images, await ownContainers(call, { all: true, size: false }))
}

/** `DELETE /images/{name}` (Engine API, ImageDelete): planned and answered here, the engine only loses stored tags. */
export const imageRemove = endpoint({
  name: 'ImageDelete', route: 'DELETE /images/:name{.+}', query: { force: flag(), noprune: flag() },
  answer: (call) => alone(call as Call, async () => ({ status: 200, body: await remove(call) })),
})

async function remove(call: Call<{ force: boolean; noprune: boolean }>): Promise<Removed[]> {
  const { term } = call
  const image = await call.resolve.image(term)
  const state = await removing(call as Call)
  const own = state.world.images.get(image.id)
  if (image.shared || own === undefined || (image.reference !== undefined && !own.references.includes(image.reference))) throw sharedByOperator(term)
  const prune = !call.query.noprune
  const steps = planRemoval(state.world, { image: image.id, reference: image.reference, term, force: call.query.force, prune })
  return (await carryOut(call as Call, state, steps, prune)).removed
}

function sharedByOperator(term: string): Refusal {
  return forbidden({ field: `removing ${term}`, why: 'the image is shared by the operator with every namespace', instead: 'remove the tags you gave it yourself, or leave it' })
}

/** `POST /images/prune` (Engine API, ImagePrune; moby, daemon/images/image_prune.go): own images only. */
export const imagePrune = endpoint({
  name: 'ImagePrune', route: 'POST /images/prune', query: { filters: text },
  answer: (call) => alone(call as Call, async () => ({ status: 200, body: await prune(call) })),
})

async function prune(call: Call<{ filters: string | undefined }>) {
  const filters = parseFilters(call.query.filters, imagePruneFilterKeys)
  const danglingOnly = filterBool(filters, 'dangling', true)
  const until = pruneUntil(filters, call.now)
  const state = await removing(call as Call)
  const { world, facts } = state
  const candidates = [...world.images].filter(([id, { references }]) => {
    if (hasChildren(world, id) && (danglingOnly || references.length === 0)) return false
    const known = facts.get(id)
    return matchPrune(filters, known?.Config?.Labels ?? null, Date.parse(known?.Created ?? '') / 1000 || 0, until)
  }).map(([id]) => id)
  const removed: Removed[] = []
  let reclaimed = 0
  for (const id of candidates) {
    const done = await pruneOne(call as Call, state, id, danglingOnly)
    removed.push(...done.removed)
    reclaimed += done.reclaimed
  }
  announcePrune(call as Call, 'image', reclaimed)
  return { ImagesDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: reclaimed }
}

/** Every reference of an image on its own, as if removed by hand; what is in use stays. */
async function pruneOne(call: Call, state: Removing, image: string, danglingOnly: boolean) {
  const references = state.world.images.get(image)?.references
  if (references === undefined || (danglingOnly && references.some((name) => !isDigest(name)))) return { removed: [], reclaimed: 0 }
  const done = { removed: [] as Removed[], reclaimed: 0 }
  for (const reference of references.length > 0 ? [...references] : [undefined]) {
    if (reference !== undefined && !state.world.images.get(image)?.references.includes(reference)) continue
    try {
      const steps = planRemoval(state.world, { image, reference, term: reference === undefined ? image : shown(reference), force: false, prune: true })
      const { removed, reclaimed } = await carryOut(call, state, steps, true)
      done.removed.push(...removed)
      done.reclaimed += reclaimed
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 409) throw error
    }
  }
  return done
}
