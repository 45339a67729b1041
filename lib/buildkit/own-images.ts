import type { Call } from '../endpoint.ts'
import { normalised, parseReference, storedReference, untaggedReference } from '../reference.ts'
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

/** Undefined for what is no reference: that is the engine's to say. */
function normal(reference: string): string {
  try {
    return normalised(parseReference(reference))
  } catch {
    return ''
  }
}
