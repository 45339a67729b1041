import { endpoint, type Call, type Reply } from '../lib/endpoint.ts'
import { adoptImage, nameImage, untagStored } from '../lib/images/adopt.ts'
import { rewriteArchive } from '../lib/images/archive.ts'
import { shownName } from '../lib/images/archive-names.ts'
import { announceImage } from '../lib/images/events.ts'
import { loadingReference } from '../lib/images/reconcile.ts'
import { parseAnswer } from '../lib/json.ts'
import { readAll, splitLines } from '../lib/lines.ts'
import { presentError } from '../lib/present.ts'
import { optionalFlag, text } from '../lib/query.ts'
import { parseReference, storedReference } from '../lib/reference.ts'
import { Refusal } from '../lib/refusal.ts'

/**
 * `POST /images/load` (Engine API, ImageLoad). On the engine every image of the archive gets a tag of the gateway's; when all is loaded
 * the images become the namespace's under the names the archive gave them.
 */
export const imageLoad = endpoint({
  name: 'ImageLoad', route: 'POST /images/load', query: { quiet: optionalFlag, platform: text },
  answer: load,
})

/** Tags on the engine of one load → the normalised references they stand for, undefined for images without one. */
type Loading = Map<string, string | undefined>

async function load(call: Call<{ quiet: boolean | undefined; platform: string | undefined }>): Promise<Reply> {
  const loading: Loading = new Map()
  const archive = rewriteArchive(call.connection.upload(), naming(call as Call, loading))
  const request = { method: 'POST', path: '/images/load', version: call.version, query: call.query } as const
  try {
    const stream = await call.host.stream(request, { signal: call.connection.signal, upload: archive.bytes, contentType: 'application/x-tar' })
    if (stream.status >= 300) throw new Refusal(stream.status, presentError(call.ns, await readAll(stream.body)))
    return { status: 200, lines: lines(call as Call, stream.body, loading) }
  } catch (error) {
    await cleared(call as Call, loading)
    throw archive.failure() instanceof Refusal ? archive.failure() : error
  }
}

/** One tag for each different reference and one for each image without. */
function naming(call: Call, loading: Loading): (reference: string | undefined) => string {
  const token = call.randomHex().slice(0, 32)
  return (reference) => {
    const known = reference && [...loading].find(([, of]) => of === reference)?.[0]
    if (known) return known
    // Some names cannot be stored: that is said before the engine does anything.
    if (reference !== undefined) storedReference(call.ns, parseReference(reference))
    const name = loadingReference(call.ns, `${token}-${loading.size}`)
    loading.set(name, reference)
    return name
  }
}

async function* lines(call: Call, body: AsyncIterable<Uint8Array>, loading: Loading): AsyncGenerator<unknown> {
  // An engine tells once of an image that has several names.
  const told = new Set<string>()
  try {
    for await (const text of splitLines(body)) {
      const loaded = /^Loaded image: (\S+)\n$/.exec((parseAnswer(text) as { stream?: string }).stream ?? '')?.[1]
      if (loaded !== undefined && loading.has(loaded)) yield* kept(call, loaded, loading.get(loaded), told)
      else yield parseAnswer(presentError(call.ns, text))
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    yield { errorDetail: { message: error.message }, error: error.message }
  } finally {
    await cleared(call, loading)
  }
}

/** The engine has an image under its loading tag; now it becomes the namespace's. */
async function* kept(call: Call, tag: string, reference: string | undefined, told: Set<string>): AsyncGenerator<unknown> {
  const { Id: id, Config } = await call.ask({ method: 'GET', path: `/images/${tag}/json` })
  await adoptImage(call, id)
  if (reference === undefined) {
    yield { stream: `Loaded image ID: ${id}\n` }
  } else {
    const before = await call.store.byName(call.ns, 'reference', reference)
    await nameImage(call, id, parseReference(reference))
    if (before?.id !== undefined && before.id !== id) {
      yield { stream: `The image ${shownName(reference)} already exists, renaming the old one with ID ${before.id} to empty string\n` }
    }
    yield { stream: `Loaded image: ${shownName(reference)}\n` }
  }
  if (!told.has(id)) announceImage(call, 'load', id, Config?.Labels)
  told.add(id)
}

async function cleared(call: Call, loading: Loading): Promise<void> {
  for (const tag of loading.keys()) await untagStored(call, tag)
}
