import { storedRegistry } from '../names.ts'
import { fromStored, normalised, parseReference } from '../reference.ts'
import type { Replacements } from '../tar/replace.ts'

/** Files of an image archive in which an engine writes references (moby, image/tarexport/save.go), put into job names. */
export function archiveInJobNames(ns: string): Replacements {
  // What the engine calls an image otherwise, an anchor's tag or another namespace's, is nobody's business.
  const named = (stored: string) => stored.startsWith(`${storedRegistry}/`) ? fromStored(ns, stored) : stored
  return {
    'manifest.json': rewritten((items: { RepoTags: string[] | null }[] | null) =>
      items?.map((item) => ({ ...item, RepoTags: item.RepoTags?.map(named).filter((name) => name !== undefined) ?? null })) ?? null),
    repositories: rewritten((repositories: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(repositories).flatMap(([name, tags]) => {
        const shown = named(`${name}:x`)
        return shown === undefined ? [] : [[shown.replace(/:x$/, ''), tags]]
      }))),
    'index.json': rewritten((index: { manifests: Descriptor[] | null }) => ({ ...index, manifests: index.manifests?.map((one) => renamed(one, named)) ?? null })),
  }
}

interface Descriptor {
  annotations?: Record<string, string>
}

/** containerd's annotation of a whole name; the tag beside it stays as it is. */
const imageName = 'io.containerd.image.name'

/** containerd's annotations of where a content went or came from, in whichever namespace. */
const source = 'containerd.io/distribution.source.'

function renamed(descriptor: Descriptor, named: (stored: string) => string | undefined): Descriptor {
  if (descriptor.annotations === undefined) return descriptor
  const { [imageName]: name, ...all } = descriptor.annotations
  const others = Object.fromEntries(Object.entries(all).filter(([key]) => !key.startsWith(source)))
  const shown = name === undefined ? undefined : named(name)
  return { ...descriptor, annotations: { ...others, ...(shown !== undefined && { [imageName]: normalised(parseReference(shown)) }) } }
}

/** JSON as an engine writes it: with the line end it had. */
function rewritten(change: (value: any) => unknown): (content: Uint8Array) => Uint8Array {
  return (content) => {
    const text = new TextDecoder().decode(content)
    return new TextEncoder().encode(JSON.stringify(change(JSON.parse(text))) + (text.endsWith('\n') ? '\n' : ''))
  }
}
