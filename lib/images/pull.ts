import type { Call } from '../endpoint.ts'
import type { EngineRequest } from '../engine.ts'
import { parseAnswer } from '../json.ts'
import { readAll, splitLines } from '../lines.ts'
import { overLimit } from '../ownership.ts'
import { familiar, familiarName, normalised, type Reference } from '../reference.ts'
import { Refusal } from '../refusal.ts'
import { adoptImage, nameImage, untagStored } from './adopt.ts'
import { announcePull } from './events.ts'
import { pullMark } from './reconcile.ts'

/** What a pull is asked for. `headers` hold the job's credentials. */
export interface Pull {
  reference: Reference
  platform: string | undefined
  headers: Record<string, string>
}

/** Takes the lines of a pull as they come. */
export interface Progress {
  /** The engine has accepted the pull. */
  started(): void
  line(value: unknown): void
}

/**
 * Pulls an image for a namespace (moby, POST /images/create). The real reference is on the engine only between the download and the
 * stored tag, under a lock of its own and marked in the store. A tag that the operator has under this name is never moved: the pull
 * then goes by digest. Runs until the end or until the client is gone. Throws `Refusal` when the engine refuses before it starts.
 */
export async function pull(call: Call, wanted: Pull, progress: Progress): Promise<void> {
  if (call.connection.signal.aborted) return
  const { reference } = wanted
  await refuseWhenFull(call, reference)
  const real = await realReference(call, wanted)
  const mark = pullMark(normalised(real))
  const taken = await call.store.reserve({ ns: call.ns, kind: 'reference', name: mark })
  if (taken.outcome === 'closed') throw new Refusal(503, 'this namespace is being closed; open a new one')
  const preexisting = await idOnEngine(call, real) !== undefined
  let certain = false
  try {
    const ending = await download(call, wanted, real, progress)
    if (ending !== undefined) await keep(call, wanted, real, ending, progress)
    certain = true
  } finally {
    if (!preexisting) certain = await idOnEngine(call, real).then(async (id) => { if (id) await untagStored(call, normalised(real)); return certain || id !== undefined })
    // A download that was cut off may still finish on the engine: the mark stays for whoever looks next.
    if (certain || preexisting) await call.store.release(call.ns, 'reference', mark)
  }
}

/** What is new for the namespace must fit into its limit; what it has under this name may be pulled again. */
async function refuseWhenFull(call: Call, reference: Reference): Promise<void> {
  const { images } = call.policy.limits
  if ((await call.store.claims(call.ns, 'image')).length < images) return
  if (await call.store.byName(call.ns, 'reference', normalised(reference)) === undefined) throw overLimit('image', images)
}

/** The reference to pull by: the job's, or its digest when the tag on the engine is somebody's already. */
async function realReference(call: Call, { reference, headers }: Pull): Promise<Reference> {
  if (reference.digest || await idOnEngine(call, reference) === undefined) return reference.digest ? { domain: reference.domain, path: reference.path, digest: reference.digest } : reference
  const { Descriptor } = await call.ask({ method: 'GET', path: `/distribution/${normalised(reference)}/json`, headers })
  return { domain: reference.domain, path: reference.path, digest: String(Descriptor.digest) }
}

/** Asked by the whole reference: in the short form of `library/sha256:abc` an engine would see the beginning of an id. */
async function idOnEngine(call: Call, reference: Reference): Promise<string | undefined> {
  const answer = await call.host.call({ method: 'GET', path: `/images/${normalised(reference)}/json` })
  return answer.status === 200 ? String((parseAnswer(answer.text) as { Id: string }).Id) : undefined
}

/** What the engine said at the end of a pull: the digest and the lines from the status on. */
interface Ending {
  digest: string | undefined
  last: any[]
}

/** Runs the download; undefined when it failed, which the lines have said. */
async function download(call: Call, { reference, platform, headers }: Pull, real: Reference, progress: Progress): Promise<Ending | undefined> {
  const request: EngineRequest = {
    method: 'POST', path: '/images/create', version: call.version, headers,
    query: { fromImage: familiarName(real), tag: real.digest ?? real.tag, platform: platform || undefined },
  }
  const stream = await call.host.stream(request, { signal: call.connection.signal })
  if (stream.status >= 300) throw new Refusal(stream.status, messageOf(await readAll(stream.body)))
  progress.started()
  const ending: Ending = { digest: real.digest, last: [] }
  for await (const text of splitLines(stream.body)) {
    const line = parseAnswer(text) as { status?: string; id?: string; error?: string }
    if (line.error !== undefined) return void progress.line(line)
    const digest = /^Digest: (\S+)$/.exec(line.status ?? '')?.[1]
    if (digest !== undefined) ending.digest = digest
    if (ending.last.length > 0 || line.status?.startsWith('Status: ')) ending.last.push(line)
    else progress.line(line.status?.startsWith('Pulling from ') ? { ...line, id: reference.digest ? familiar(reference) : reference.tag } : line)
  }
  return ending
}

function messageOf(text: string): string {
  try {
    return String(JSON.parse(text).message)
  } catch {
    return text.trim()
  }
}

/** Makes the pulled image the namespace's, and says whether that was new to it. */
async function keep(call: Call, { reference }: Pull, real: Reference, ending: Ending, progress: Progress): Promise<void> {
  const id = await idOnEngine(call, real)
  if (id === undefined) throw new Refusal(500, `the engine has pulled ${familiar(reference)} but does not find it; pull it again`)
  const before = (await call.store.byName(call.ns, 'reference', normalised(reference)))?.id ?? call.host.shared.get(normalised(reference))
  await adoptImage(call, id)
  await nameImage(call, id, reference)
  const { domain, path } = reference
  if (ending.digest !== undefined && !reference.digest) await nameImage(call, id, { domain, path, digest: ending.digest })
  const status = `Status: ${before === id ? 'Image is up to date' : 'Downloaded newer image'} for ${familiar(reference)}`
  for (const line of ending.last) progress.line(line.status?.startsWith('Status: ') ? { ...line, status } : line)
  await announcePull(call, id, reference)
}
