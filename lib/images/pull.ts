import type { Call } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { parseAnswer } from '../json.ts'
import { readAll, splitLines } from '../lines.ts'
import { familiar, normalised, type Reference } from '../reference.ts'
import { messageOf, Refusal } from '../refusal.ts'
import { adoptImage, nameImage, refuseWhenFull } from './adopt.ts'
import { announcePull } from './events.ts'
import type { Progress } from './progress.ts'
import { idOnEngine, withReal, type Real } from './real.ts'

/** What a pull is asked for. `headers` hold the job's credentials. */
export interface Pull {
  reference: Reference
  /** `os[/architecture[/variant]]` */
  platform: string | undefined
  headers: Record<string, string>
}

/**
 * Pulls an image for a namespace (moby, POST /images/create). The real reference is on the engine only between the download and the
 * stored tag. A tag that the operator has under this name is never moved: the pull then goes by digest. Runs until the end or until the
 * client is gone. Throws `Refusal` when the engine refuses before it starts.
 */
export async function pull(call: Call, wanted: Pull, progress: Progress): Promise<void> {
  const { domain, path, digest } = wanted.reference
  const { signal } = call.connection
  // What it has under this name may be pulled again.
  if (await call.store.byName(call.ns, 'reference', normalised(wanted.reference)) === undefined) await refuseWhenFull(call)
  await withReal(call.host, digest ? { domain, path, digest } : wanted.reference, signal, async (real) => {
    if (digest || real.standing === undefined) return pullBy(call, wanted, digest ? { domain, path, digest } : wanted.reference, real, progress)
    const current = { domain, path, digest: await currentDigest(call, wanted) }
    await withReal(call.host, current, signal, (byDigest) => pullBy(call, wanted, current, byDigest, progress))
  })
}

async function currentDigest(call: Call, { reference, headers }: Pull): Promise<string> {
  const { Descriptor } = await call.ask({ method: 'GET', path: at`/distribution/${normalised(reference)}/json`, headers })
  return String(Descriptor.digest)
}

async function pullBy(call: Call, wanted: Pull, reference: Reference, real: Real, progress: Progress): Promise<void> {
  if (real.standing === undefined) await real.appears()
  let ending: Ending | undefined
  try {
    ending = await download(call, wanted, reference, real.signal, progress)
  } catch (error) {
    // A download that was cut off may still finish on the engine.
    if (!(error instanceof Refusal) || error.status === 503) real.uncertain()
    throw error
  }
  if (ending !== undefined) await keep(call, wanted, reference, ending, progress)
}

/** What the engine said at the end of a pull: the digest and the lines from the status on. */
interface Ending {
  digest: string | undefined
  last: any[]
}

/** Runs the download; undefined when it failed, which the lines have said. */
async function download(call: Call, { reference, platform, headers }: Pull, real: Reference, signal: AbortSignal, progress: Progress): Promise<Ending | undefined> {
  const stream = await call.host.stream({
    method: 'POST', path: at`/images/create`, version: call.version, headers,
    query: { fromImage: `${real.domain}/${real.path}`, tag: real.digest ?? real.tag, platform },
  }, { signal })
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

/** Makes the pulled image the namespace's, and says whether that was new to it. */
async function keep(call: Call, { reference }: Pull, real: Reference, ending: Ending, progress: Progress): Promise<void> {
  const id = await idOnEngine(call.host, normalised(real))
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
