import type { Host } from '../engine.ts'
import { familiar, parseReference } from '../reference.ts'
import type { Store } from '../store.ts'

/** An image as one namespace sees it. */
export interface OwnImage {
  /** `sha256:<64 hex>` */
  id: string
  /** Normalised references, tags and digests, in the engine's order (by their text): its own and those the operator shares. */
  references: string[]
  /** The namespace's own among them. */
  own: string[]
  /** The operator shares it and the namespace has it neither pulled nor tagged. */
  shared: boolean
  /** When the namespace last tagged it, RFC 3339. */
  tagged: string | undefined
}

/** A reference with a digest instead of a tag. */
export function isDigest(reference: string): boolean {
  return reference.includes('@')
}

/** The repository of a normalised reference, with its registry. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@.*$|:[^/:]*$/, '')
}

/** As users write it. */
export function shown(reference: string): string {
  return familiar(parseReference(reference))
}

/** Everything a namespace can see, by image id, oldest claim first: its own images and the operator's shared ones. */
export async function visibleImages(store: Store, host: Host, ns: string): Promise<Map<string, OwnImage>> {
  const [images, references] = await Promise.all([store.claims(ns, 'image'), store.claims(ns, 'reference')])
  const table = new Map<string, OwnImage>()
  for (const { id, facts } of images) {
    table.set(id!, { id: id!, references: [], own: [], shared: false, tagged: typeof facts.tagged === 'string' ? facts.tagged : undefined })
  }
  for (const { id, name } of references) table.get(id!)?.own.push(name)
  for (const image of table.values()) image.references.push(...image.own)
  const taken = new Set(references.map((claim) => claim.name))
  for (const [name, id] of host.shared) {
    if (!taken.has(name)) shareInto(table, id, name)
  }
  for (const image of table.values()) for (const list of [image.references, image.own]) list.sort()
  return table
}

function shareInto(table: Map<string, OwnImage>, id: string, name: string): void {
  const image = table.get(id) ?? { id, references: [], own: [], shared: true, tagged: undefined }
  image.references.push(name)
  table.set(id, image)
}
