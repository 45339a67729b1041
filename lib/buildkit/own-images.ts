import type { Call } from '../endpoint.ts'
import { isImageId, normalised, parseReference, storedReference, untaggedReference } from '../reference.ts'
import { isDigest } from '../images/table.ts'
import type { LocalImage, Sources } from './sources.ts'

/** What a namespace's builds may take from the engine: its own references and those the operator shares, as they are now. */
export async function sourcesOf({ ns, store, host, policy }: Pick<Call, 'ns' | 'store' | 'host' | 'policy'>): Promise<Sources> {
  const images = new Map<string, LocalImage>()
  for (const [name, id] of host.shared) images.set(name, { id, stored: name })
  for (const { name, id } of await store.claims(ns, 'reference')) {
    images.set(name, { id: id!, stored: isDigest(name) ? untaggedReference(ns, id!) : storedReference(ns, parseReference(name)) })
  }
  return { ns, policy, images, own: (reference) => images.get(normal(reference)) }
}

/** Which of these texts mean an image of the namespace by its id or the only beginning of one, where they are no name of one. */
export async function imagesById({ ns, store, host }: Pick<Call, 'ns' | 'store' | 'host'>, { own }: Sources, texts: readonly string[]): Promise<Map<string, LocalImage>> {
  const images = new Map<string, LocalImage>()
  const wanted = texts.filter((text) => isImageId(text) !== undefined && own(text) === undefined)
  if (wanted.length === 0) return images
  const shared = [...host.shared].map(([stored, id]): LocalImage => ({ id, stored }))
  const claimed = (await store.claims(ns, 'image')).map(({ id }): LocalImage => ({ id: id!, stored: untaggedReference(ns, id!) }))
  const all = [...new Map([...shared, ...claimed].map((image) => [image.id, image])).values()]
  for (const text of wanted) {
    const [image, another] = all.filter(({ id }) => id.startsWith(`sha256:${text.replace(/^sha256:/, '')}`))
    if (image !== undefined && another === undefined) images.set(text, image)
  }
  return images
}

/** Undefined for what is no reference: that is the engine's to say. */
function normal(reference: string): string {
  try {
    return normalised(parseReference(reference))
  } catch {
    return ''
  }
}
