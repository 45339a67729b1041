import type { Call } from '../endpoint.ts'
import type { ImageFacts } from '../engine.ts'
import { parseReference, storedReference } from '../reference.ts'
import { disown, unname } from './adopt.ts'
import type { ImageWorld, Step } from './delete-plan.ts'
import { announceImage } from './events.ts'
import { removedLayers, sharedDepth } from './layers.ts'
import { isDigest, shown, type OwnImage } from './table.ts'

/** A line of `DELETE /images/{name}` (Engine API, ImageDeleteResponseItem). */
export type Removed = { Untagged: string } | { Deleted: string }

/** What a removal needs to know before it starts: the facts vanish with the images. */
export interface Removing {
  images: ReadonlyMap<string, OwnImage>
  facts: ReadonlyMap<string, ImageFacts>
  world: ImageWorld
  /** Images that have gone since. */
  gone: Set<string>
}

/** The namespace's own images and containers, for planning. `containers`: as the engine lists them. */
export async function gather(call: Call, images: ReadonlyMap<string, OwnImage>, containers: readonly any[]): Promise<Removing> {
  const facts = new Map<string, ImageFacts>()
  for (const id of images.keys()) {
    const known = await call.host.image(id)
    if (known) facts.set(id, known)
  }
  const own = [...images.values()].filter((image) => !image.shared)
  const parentOf = (id: string) => { const parent = facts.get(id)?.Parent; return images.has(parent) ? parent as string : undefined }
  return {
    images, facts, gone: new Set(),
    world: {
      images: new Map(own.map((image) => [image.id, { references: image.own, parent: parentOf(image.id) }])),
      containers: containers.map((one) => ({ id: one.Id, imageId: one.ImageID, running: one.State === 'running' || one.State === 'paused' || one.State === 'restarting' })),
    },
  }
}

/** Does on the engine and in the store what was planned, and tells it as the engine would. `prune`: untagged parents may go as well. */
export async function carryOut(call: Call, removing: Removing, steps: readonly Step[], prune: boolean): Promise<{ removed: Removed[]; reclaimed: number }> {
  const removed: Removed[] = []
  let reclaimed = 0
  for (const step of steps) {
    if ('untag' in step) {
      await unname(call, step.untag, isDigest(step.untag) ? undefined : storedReference(call.ns, parseReference(step.untag)))
      removed.push({ Untagged: shown(step.untag) })
      if (step.told) announceImage(call, 'untag', step.image, removing.facts.get(step.image)?.Config?.Labels)
      continue
    }
    const id = step.delete
    await disown(call, id, { prune })
    announceImage(call, 'delete', id, null)
    removing.gone.add(id)
    const layers = layersOf(removing, id)
    const kept = keptLayers(removing)
    const gone = await removedLayers(layers, kept)
    removed.push({ Deleted: id }, ...gone.map((layer) => ({ Deleted: layer })))
    reclaimed += reclaimedBy(removing, id, layers, sharedDepth(layers, kept))
  }
  return { removed, reclaimed }
}

function layersOf({ facts }: Removing, id: string): string[] {
  return facts.get(id)?.RootFS?.Layers ?? []
}

/** Stacks that other images hold, and containers even when their image has been forced away. */
function keptLayers(removing: Removing): string[][] {
  const { images, gone, world } = removing
  const used = world.containers.map((container) => container.imageId)
  return [...[...images.keys()].filter((id) => !gone.has(id)), ...used].map((id) => layersOf(removing, id))
}

/** Bytes of the layers that go. What lies below is known from an image that is exactly that; otherwise the whole image is counted. */
function reclaimedBy({ facts }: Removing, id: string, layers: readonly string[], kept: number): number {
  const size = Number(facts.get(id)?.Size ?? 0)
  if (kept === 0) return size
  if (kept === layers.length) return 0
  const below = [...facts.values()].find((other) => other.RootFS?.Layers?.length === kept && other.RootFS.Layers[kept - 1] === layers[kept - 1])
  return below === undefined ? size : size - Number(below.Size ?? 0)
}
