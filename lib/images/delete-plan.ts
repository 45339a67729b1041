import { Refusal } from '../refusal.ts'
import { isDigest, repositoryOf } from './table.ts'

/** What a namespace has, as far as removing images is concerned. Planning changes it step by step. */
export interface ImageWorld {
  /** By image id. `references` are normalised; `parent` only when the namespace can see it. */
  images: Map<string, { references: string[]; parent: string | undefined }>
  containers: readonly { id: string; imageId: string; running: boolean }[]
}

/** `untag`: a reference goes; `told` when engines emit an event for it. `delete`: an image goes. */
export type Step = { untag: string; image: string; told: boolean } | { delete: string }

/** What is asked: the image, the reference it was named by (absent: named by its id), the job's words for it, the query. */
export interface Removal {
  image: string
  reference: string | undefined
  term: string
  force: boolean
  prune: boolean
}

/**
 * What an engine of its own would do with `DELETE /images/{name}` (moby, daemon/images/image_delete.go), as steps in its order.
 * Throws `Refusal` 409 with the engine's texts, the world then unchanged.
 */
export function planRemoval(world: ImageWorld, removal: Removal): Step[] {
  const { image, reference, force, prune } = removal
  const steps: Step[] = []
  const refs = () => world.images.get(image)!.references
  if (reference !== undefined) {
    if (!force && isSingle(refs())) refuseUsed(world, removal)
    untag(world, steps, image, reference, true)
    if (!isDigest(reference)) dropLeftDigests(world, steps, image, repositoryOf(reference))
    if (refs().length > 0) return steps
  } else if (isSingle(refs())) {
    const conflict = conflictOf(world, image, { force, references: false })
    if (conflict) throw conflict.refusal
    for (const each of [...refs()]) untag(world, steps, image, each, true)
  }
  deleteImage(world, steps, image, { force, prune, quiet: reference !== undefined })
  return steps
}

/** All references are of one repository and at most one is a tag. */
function isSingle(references: readonly string[]): boolean {
  if (references.length <= 1) return references.length === 1
  const tags = references.filter((reference) => !isDigest(reference))
  return tags.length <= 1 && new Set(references.map(repositoryOf)).size === 1
}

function refuseUsed(world: ImageWorld, { image, term }: Removal): void {
  const user = world.containers.find((container) => container.imageId === image)
  if (user === undefined) return
  throw new Refusal(409, `conflict: unable to remove repository reference ${JSON.stringify(term)} (must force) - container ${short(user.id)} is using its referenced image ${short(image)}`)
}

function untag(world: ImageWorld, steps: Step[], image: string, reference: string, told: boolean): void {
  const entry = world.images.get(image)!
  entry.references = entry.references.filter((other) => other !== reference)
  steps.push({ untag: reference, image, told })
}

/** Digests of a repository do not outlive its last tag. */
function dropLeftDigests(world: ImageWorld, steps: Step[], image: string, repository: string): void {
  const same = world.images.get(image)!.references.filter((reference) => repositoryOf(reference) === repository)
  if (same.every(isDigest)) for (const digest of same) untag(world, steps, image, digest, false)
}

function deleteImage(world: ImageWorld, steps: Step[], image: string, how: { force: boolean; prune: boolean; quiet: boolean }): void {
  const conflict = conflictOf(world, image, { force: how.force, references: true })
  if (conflict) {
    if (how.quiet && (!isDangling(world, image) || conflict.used)) return
    throw conflict.refusal
  }
  const { parent, references } = world.images.get(image)!
  for (const reference of references) untag(world, steps, image, reference, true)
  world.images.delete(image)
  steps.push({ delete: image })
  if (how.prune && parent !== undefined && world.images.has(parent)) deleteImage(world, steps, parent, { force: false, prune: true, quiet: true })
}

interface Conflict {
  refusal: Refusal
  used: boolean
}

function conflictOf(world: ImageWorld, image: string, { force, references }: { force: boolean; references: boolean }): Conflict | undefined {
  const conflict = (how: string, why: string, used = false): Conflict =>
    ({ used, refusal: new Refusal(409, `conflict: unable to delete ${short(image)} (${how}) - ${why}`) })
  if (hasChildren(world, image)) return conflict('cannot be forced', 'image has dependent child images')
  const users = world.containers.filter((container) => container.imageId === image)
  const running = users.find((container) => container.running)
  if (running) return conflict('cannot be forced', `image is being used by running container ${short(running.id)}`, true)
  if (force) return undefined
  if (references && world.images.get(image)!.references.length > 0) return conflict('must be forced', 'image is referenced in multiple repositories')
  const stopped = users[0]
  return stopped && conflict('must be forced', `image is being used by stopped container ${short(stopped.id)}`, true)
}

function isDangling(world: ImageWorld, image: string): boolean {
  return world.images.get(image)!.references.length === 0 && !hasChildren(world, image)
}

/** Is another image of this world built upon it? */
export function hasChildren(world: ImageWorld, image: string): boolean {
  return [...world.images.values()].some((other) => other.parent === image)
}

function short(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
