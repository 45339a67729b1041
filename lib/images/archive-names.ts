import { foldKey, parseRequestJson, type Json } from '../json.ts'
import { familiar, normalised, parseReference, withDefaultTag } from '../reference.ts'
import { Refusal } from '../refusal.ts'

/**
 * Names inside image archives (`docker save` of every age, OCI layouts). An archive may name anything; the engine would tag it so.
 * Here each reference is replaced by one the gateway chose.
 */

/** Chooses what an image is called on the engine: `reference` is normalised, undefined for an image without one. */
export type NameOnEngine = (reference: string | undefined) => string

/** Files with names in them, by their name in the archive. */
export const namedFiles: Readonly<Record<string, (bytes: Uint8Array, name: NameOnEngine) => unknown>> = {
  'manifest.json': manifest,
  // Read by engines only where there is no manifest.json.
  repositories: () => ({}),
  'index.json': index,
}

/** Bytes of one such file; a manifest of a thousand images is well below. */
export const namedFileLimit = 4 * 1024 * 1024

interface Item {
  Config: string
  RepoTags: string[]
  Layers: string[]
  Parent?: string
  LayerSources?: Record<string, Json>
}

/** `manifest.json` (moby, image/tarexport manifestItem), rebuilt: only known fields, every image under a name of ours. */
function manifest(bytes: Uint8Array, name: NameOnEngine): Item[] {
  const items = parse('manifest.json', bytes)
  if (!Array.isArray(items)) throw bad('manifest.json is not a list')
  return items.map((item) => {
    const given = folded('manifest.json', item)
    const tags = strings(given.repotags, 'RepoTags').map(tagged)
    return {
      Config: string(given.config, 'Config'),
      RepoTags: tags.length === 0 ? [name(undefined)] : tags.map(name),
      Layers: strings(given.layers, 'Layers'),
      ...(given.parent !== undefined && given.parent !== null && { Parent: string(given.parent, 'Parent') }),
      ...(isObject(given.layersources) && { LayerSources: given.layersources }),
    }
  })
}

/** The engine wants a name and a tag. */
function tagged(text: string): string {
  const reference = parseReference(text)
  if (reference.digest || !reference.tag) throw bad(`invalid tag ${JSON.stringify(text)} in manifest.json`)
  return normalised(reference)
}

const imageName = 'io.containerd.image.name'
const refName = 'org.opencontainers.image.ref.name'

/** `index.json` (OCI image-layout): references in annotations at any level of the descriptors. */
function index(bytes: Uint8Array, name: NameOnEngine): Json {
  const value = parse('index.json', bytes)
  if (!isObject(value) || !Array.isArray(value.manifests)) return value
  return { ...value, manifests: value.manifests.map((descriptor) => isObject(descriptor) ? renamed(descriptor, name) : descriptor) }
}

function renamed(descriptor: { [key: string]: Json }, name: NameOnEngine): Json {
  const annotations = isObject(descriptor.annotations) ? { ...descriptor.annotations } : undefined
  if (annotations === undefined) return descriptor
  const given = typeof annotations[imageName] === 'string' ? annotations[imageName] : fullName(annotations[refName])
  delete annotations[imageName]
  delete annotations[refName]
  if (given !== undefined) {
    const chosen = name(normalised(withDefaultTag(parseReference(given))))
    annotations[imageName] = chosen
    annotations[refName] = chosen.slice(chosen.lastIndexOf(':') + 1)
  }
  return { ...descriptor, annotations }
}

/** The reference annotation alone is either a whole reference or only a tag, which names nothing. */
function fullName(value: Json | undefined): string | undefined {
  return typeof value === 'string' && /[/:]/.test(value) ? value : undefined
}

function parse(file: string, bytes: Uint8Array): Json {
  try {
    return parseRequestJson(bytes)
  } catch (error) {
    throw bad(`${file} cannot be read: ${error instanceof Error ? error.message.replace(/^invalid JSON: /, '') : error}`)
  }
}

/** Keys as the engine compares them; a key in two spellings could be read differently here and there. */
function folded(file: string, value: Json): Record<string, Json> {
  if (!isObject(value)) throw bad(`${file} lists something that is not an image`)
  const entries = Object.entries(value).map(([key, item]) => [foldKey(key), item] as const)
  if (new Set(entries.map(([key]) => key)).size !== entries.length) throw bad(`${file} has a key in two spellings`)
  return Object.fromEntries(entries)
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function string(value: Json | undefined, field: string): string {
  if (typeof value !== 'string') throw bad(`${field} in manifest.json is not a text`)
  return value
}

function strings(value: Json | undefined, field: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw bad(`${field} in manifest.json is not a list`)
  return value.map((item) => string(item, field))
}

/** What is wrong with an archive and where it could come from. */
export function bad(why: string): Refusal {
  return new Refusal(400, `the image archive cannot be loaded: ${why}; make it with docker save`)
}

/** A normalised reference as users write it. */
export function shownName(reference: string): string {
  return familiar(parseReference(reference))
}
