import type { Call, Reply } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { readAll } from '../lines.ts'
import { presentError } from '../present.ts'
import { familiar, isImageId, normalised, parseReference, storedReference } from '../reference.ts'
import { messageOf, Refusal } from '../refusal.ts'
import { replaceFiles } from '../tar/replace.ts'
import { announceImage } from './events.ts'
import { archiveInJobNames } from './save-names.ts'
import { isDigest, repositoryOf, visibleImages, type OwnImage } from './table.ts'

/** Bytes of a file with names in it: an archive of ten thousand images has less. */
const namedFileLimit = 64 * 1024 * 1024

/** An image to be saved: what the engine is to call it, which decides the names inside the archive. */
interface Saved {
  id: string
  onEngine: string
}

/**
 * Saves images as an archive (moby, image/tarexport/save.go): by a reference under that name, by a repository under all its tags, by an id
 * under none. The archive streams through; the files with names in it are put into job names on the way.
 */
export async function saveImages(call: Call, names: readonly string[], platform: string | undefined): Promise<Reply> {
  const images = await visibleImages(call.store, call.host, call.ns)
  const saved: Saved[] = []
  for (const name of names) saved.push(...await namedBy(call, images, name))
  const stream = await call.host.stream({
    method: 'GET', path: at`/images/get`, version: call.version, query: { names: [...new Set(saved.map((one) => one.onEngine))], platform },
  }, { signal: call.connection.signal })
  if (stream.status >= 300) throw new Refusal(stream.status, presentError(call.ns, messageOf(await readAll(stream.body))))
  for (const id of new Set(saved.map((one) => one.id))) announceImage(call, 'save', id, (await call.host.image(id))?.Config?.Labels)
  return { status: 200, headers: { 'Content-Type': 'application/x-tar' }, bytes: replaceFiles(stream.body, archiveInJobNames(call.ns), namedFileLimit) }
}

async function namedBy(call: Call, images: ReadonlyMap<string, OwnImage>, name: string): Promise<Saved[]> {
  if (isImageId(name) === 'id') return [byId(images, name.startsWith('sha256:') ? name : `sha256:${name}`, name)]
  const reference = parsed(name)
  const wanted = reference.tag || reference.digest
    ? (other: string) => other === normalised(reference)
    : (other: string) => !isDigest(other) && repositoryOf(other) === `${reference.domain}/${reference.path}`
  const isPrefix = isImageId(name) === 'prefix'
  const found = isPrefix && name.startsWith('sha256:') ? [] : [...images.values()].flatMap((image) => image.references.filter(wanted).map((other) => ({ image, other })))
  if (found.length > 0) return found.map(({ image, other }) => ({ id: image.id, onEngine: onEngine(call.ns, image, other) }))
  if (isPrefix) return [byPrefix(images, name)]
  throw reference.tag || reference.digest ? new Refusal(404, 'reference does not exist') : noSuch(name)
}

function onEngine(ns: string, image: OwnImage, reference: string): string {
  if (isDigest(reference)) return image.id
  return image.own.includes(reference) ? storedReference(ns, parseReference(reference)) : familiar(parseReference(reference))
}

function byId(images: ReadonlyMap<string, OwnImage>, id: string, name: string): Saved {
  if (!images.has(id)) throw noSuch(name)
  return { id, onEngine: id }
}

function byPrefix(images: ReadonlyMap<string, OwnImage>, name: string): Saved {
  const prefix = name.startsWith('sha256:') ? name : `sha256:${name}`
  const [id, another] = [...images.keys()].filter((one) => one.startsWith(prefix))
  if (id === undefined || another !== undefined) throw noSuch(name)
  return { id, onEngine: id }
}

/** Engines answer names that are none with 500 here. */
function parsed(name: string) {
  try {
    return parseReference(name)
  } catch (error) {
    throw error instanceof Refusal && error.status === 400 ? new Refusal(500, error.message) : error
  }
}

function noSuch(name: string): Refusal {
  return new Refusal(404, `No such image: ${name}`)
}
