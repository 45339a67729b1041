import { fromStored, normalised, parseReference } from '../reference.ts'
import type { Replacements } from '../tar/replace.ts'

/** Files of an image archive in which an engine writes references (moby, image/tarexport/save.go), put into job names. */
export function archiveInJobNames(ns: string): Replacements {
  const named = (stored: string) => fromStored(ns, stored) ?? stored
  return {
    'manifest.json': rewritten((items: { RepoTags: string[] | null }[] | null) =>
      items?.map((item) => ({ ...item, RepoTags: item.RepoTags?.map(named) ?? null })) ?? null),
    repositories: rewritten((repositories: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(repositories).map(([name, tags]) => [named(`${name}:x`).replace(/:x$/, ''), tags]))),
    'index.json': rewritten((index: { manifests: Descriptor[] | null }) => ({ ...index, manifests: index.manifests?.map((one) => renamed(one, named)) ?? null })),
  }
}

interface Descriptor {
  annotations?: Record<string, string>
}

/** containerd's annotation of a whole name; the tag beside it stays as it is. */
const imageName = 'io.containerd.image.name'

function renamed(descriptor: Descriptor, named: (stored: string) => string): Descriptor {
  const name = descriptor.annotations?.[imageName]
  if (name === undefined) return descriptor
  return { ...descriptor, annotations: { ...descriptor.annotations, [imageName]: normalised(parseReference(named(name))) } }
}

/** JSON as an engine writes it: with the line end it had. */
function rewritten(change: (value: any) => unknown): (content: Uint8Array) => Uint8Array {
  return (content) => {
    const text = new TextDecoder().decode(content)
    return new TextEncoder().encode(JSON.stringify(change(JSON.parse(text))) + (text.endsWith('\n') ? '\n' : ''))
  }
}
