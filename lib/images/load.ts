import type { Call } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { parseAnswer } from '../json.ts'
import { readAll, splitLines } from '../lines.ts'
import { presentError } from '../present.ts'
import { parseReference, storedReference } from '../reference.ts'
import { messageOf, Refusal } from '../refusal.ts'
import { adoptImage, nameImage, refuseWhenFull } from './adopt.ts'
import { rewriteArchive } from './archive.ts'
import { shownName } from './archive-names.ts'
import { announceImage } from './events.ts'
import type { Progress } from './progress.ts'
import { withLoading } from './real.ts'
import { loadingReference } from './reconcile.ts'

/** Tags on the engine of one load → the normalised references they stand for, undefined for images without one. */
type Loading = Map<string, string | undefined>

/**
 * Loads an image archive for a namespace. On the engine every image of it gets a tag of the gateway's; each becomes the namespace's, under
 * the names the archive gave it, when the engine says that it has it.
 */
export function loadImages(call: Call, query: { quiet: boolean | undefined; platform: string | undefined }, progress: Progress): Promise<void> {
  const prefix = `${loadingReference(call.ns, call.randomHex().slice(0, 32))}-`
  const loading: Loading = new Map()
  return withLoading(call.host, prefix, async () => {
    await refuseWhenFull(call)
    const archive = rewriteArchive(call.connection.upload(), naming(call, prefix, loading))
    try {
      const stream = await call.host.stream({ method: 'POST', path: at`/images/load`, version: call.version, query }, {
        signal: call.connection.signal, upload: archive.bytes, contentType: 'application/x-tar',
      })
      if (stream.status >= 300) throw new Refusal(stream.status, presentError(call.ns, messageOf(await readAll(stream.body))))
      await follow(call, stream.body, loading, progress)
    } catch (error) {
      const refused = archive.failure()
      // That an archive is none is told in the stream, as an engine tells it, which looks at it after it has answered.
      if (refused instanceof Refusal && refused.status === 400) progress.started()
      throw refused instanceof Refusal ? refused : error
    }
  })
}

/** One tag for each different reference and one for each image without. */
function naming(call: Call, prefix: string, loading: Loading): (reference: string | undefined) => string {
  return (reference) => {
    const known = reference && [...loading].find(([, of]) => of === reference)?.[0]
    if (known) return known
    // Some names cannot be stored: that is said before the engine does anything.
    if (reference !== undefined) storedReference(call.ns, parseReference(reference))
    const name = `${prefix}${loading.size}`
    loading.set(name, reference)
    return name
  }
}

async function follow(call: Call, body: AsyncIterable<Uint8Array>, loading: Loading, progress: Progress): Promise<void> {
  // An engine tells once of an image that has several names.
  const told = new Set<string>()
  for await (const text of splitLines(body)) {
    const loaded = /^Loaded image: (\S+)\n$/.exec((parseAnswer(text) as { stream?: string }).stream ?? '')?.[1]
    if (loaded !== undefined && loading.has(loaded)) await keep(call, loaded, loading.get(loaded), told, progress)
    else progress.line(parseAnswer(presentError(call.ns, text)))
  }
}

/** The engine has an image under its loading tag; now it becomes the namespace's. */
async function keep(call: Call, tag: string, reference: string | undefined, told: Set<string>, progress: Progress): Promise<void> {
  const { Id: id, Config } = await call.ask({ method: 'GET', path: at`/images/${tag}/json` })
  await adoptImage(call, id)
  if (reference === undefined) {
    progress.line({ stream: `Loaded image ID: ${id}\n` })
  } else {
    const before = await call.store.byName(call.ns, 'reference', reference)
    await nameImage(call, id, parseReference(reference))
    if (before?.id !== undefined && before.id !== id) {
      progress.line({ stream: `The image ${shownName(reference)} already exists, renaming the old one with ID ${before.id} to empty string\n` })
    }
    progress.line({ stream: `Loaded image: ${shownName(reference)}\n` })
  }
  if (!told.has(id)) announceImage(call, 'load', id, Config?.Labels)
  told.add(id)
}
