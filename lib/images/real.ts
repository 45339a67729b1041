import { listTags } from '../engine-objects.ts'
import { at } from '../engine-path.ts'
import type { Host } from '../engine.ts'
import { parseAnswer } from '../json.ts'
import { normalised, type Reference } from '../reference.ts'
import { untagStored } from './adopt.ts'

/**
 * Names on an engine that are there only for a while: the real reference that a pull or push goes by, the tag of a load until its images are
 * adopted. Who makes one has the turn of it, over all gateways, and notes it before it appears, so that nothing stays behind whoever dies.
 */

/** A real reference while it is ours alone. */
export interface Real {
  /** The image that has this reference without us: the operator's. It is never moved and never removed. */
  readonly standing: string | undefined
  /** Aborted when the client is gone or the turn is lost. */
  readonly signal: AbortSignal
  /** To be called before the reference appears; it is removed after the work, or by whoever finds it. */
  appears(): Promise<void>
  /** The engine may still make the reference appear after the work: it is looked for again later. */
  uncertain(): void
}

const realKey = 'reference:'
const loadingKey = 'loading:'

/**
 * Runs `work` while nobody else uses the real reference on this engine. Throws the signal's reason when the client leaves before its turn.
 */
export function withReal<T>(host: Host, reference: Reference, signal: AbortSignal, work: (real: Real) => Promise<T>): Promise<T> {
  const name = normalised(reference)
  return host.inTurn(`${realKey}${name}`, async (turn) => {
    if (turn.left) await clear(host, turn.left)
    const standing = await idOnEngine(host, name)
    let [noted, certain] = [false, true]
    try {
      return await work({
        standing, signal: AbortSignal.any([signal, turn.lost]),
        async appears() {
          await turn.note(name)
          noted = true
        },
        uncertain() { certain = false },
      })
    } finally {
      // A lost turn is another's, who clears what this one has noted.
      if (noted && !turn.lost.aborted && !(await cleared(host, name) && certain)) turn.abandon()
    }
  }, signal)
}

/** Runs `work`, which may give images tags that begin with `prefix`; none of them outlives it. */
export function withLoading<T>(host: Host, prefix: string, work: () => Promise<T>): Promise<T> {
  return host.inTurn(`${loadingKey}${prefix}`, async (turn) => {
    await turn.note(`${prefix}*`)
    try {
      return await work()
    } finally {
      if (turn.lost.aborted || !await cleared(host, `${prefix}*`)) turn.abandon()
    }
  })
}

/** Removes what died with whoever made it. */
export async function clearLeft(host: Host): Promise<void> {
  for (const key of await host.leftTurns()) {
    const isImage = key.startsWith(realKey) || key.startsWith(loadingKey)
    // Other turns leave nothing on the engine; taking one and ending it takes it off the record.
    await host.inTurn(key, async (turn) => { if (isImage && turn.left) await clear(host, turn.left) })
  }
}

/** The id of the image under a whole reference, normalised or stored: a short one, as of `library/sha256:abc`, could be the beginning of an id. */
export async function idOnEngine(host: Host, reference: string): Promise<string | undefined> {
  const answer = await host.call({ method: 'GET', path: at`/images/${reference}/json` })
  return answer.status === 200 ? String((parseAnswer(answer.text) as { Id: string }).Id) : undefined
}

/** False when the engine did not do it: it is tried again later. */
function cleared(host: Host, note: string): Promise<boolean> {
  return clear(host, note).then(() => true, () => false)
}

/** Removes a reference, or with a star at the end every tag that begins so. */
async function clear(host: Host, note: string): Promise<void> {
  if (!note.endsWith('*')) return untagStored({ host }, note)
  for (const tag of await listTags(host, note.slice(0, -1))) await untagStored({ host }, tag)
}
