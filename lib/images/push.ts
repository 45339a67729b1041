import type { Call } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { parseAnswer } from '../json.ts'
import { readAll, splitLines } from '../lines.ts'
import { familiar, familiarName, normalised, parseReference, type Reference } from '../reference.ts'
import { forbidden, messageOf, Refusal } from '../refusal.ts'
import { nameImage, tagAs } from './adopt.ts'
import { announcePush } from './events.ts'
import { errorLine, type Progress } from './progress.ts'
import { withReal } from './real.ts'
import { isDigest, repositoryOf, visibleImages } from './table.ts'

/** What a push is asked for: a tag, or every tag of the repository when the reference has none. */
export interface Push {
  reference: Reference
  /** JSON, rebuilt. */
  platform: string | undefined
  headers: Record<string, string>
}

/** A tag of the namespace, and whether the image is its own or one that the operator shares. */
interface Tagged {
  reference: Reference
  id: string
  own: boolean
}

/**
 * Pushes tags of a namespace (moby, distribution/push.go). An engine sends an image only to the place its name says, so the real reference is
 * there for as long as that takes.
 */
export async function push(call: Call, { reference, platform, headers }: Push, progress: Progress): Promise<void> {
  const repository = `${reference.domain}/${reference.path}`
  const tags = await tagsOf(call, repository)
  const refers = { status: `The push refers to repository [${repository}]` }
  const wanted = reference.tag ? tags.filter((one) => one.reference.tag === reference.tag) : tags
  if (reference.digest || wanted.length === 0) {
    progress.started()
    progress.line(refers)
    return progress.line(errorLine(reference.digest ? 'cannot push a digest reference' : tags.length === 0
      ? `An image does not exist locally with the tag: ${familiarName(reference)}` : `tag does not exist: ${familiar(reference)}`))
  }
  let told = false
  const once: Progress = {
    ...progress,
    line(value) {
      const isFirst = (value as { status?: string }).status === refers.status
      if (!isFirst || !told) progress.line(value)
      told ||= isFirst
    },
  }
  for (const one of wanted) if (!await pushOne(call, one, { platform, headers }, once)) return
}

async function tagsOf(call: Call, repository: string): Promise<Tagged[]> {
  const images = [...(await visibleImages(call.store, call.host, call.ns)).values()]
  return images.flatMap(({ id, references, own }) =>
    references.filter((name) => !isDigest(name) && repositoryOf(name) === repository).map((name) => ({ reference: parseReference(name), id, own: own.includes(name) })))
}

/** False when it failed, which the lines have said. */
function pushOne(call: Call, { reference, id, own }: Tagged, { platform, headers }: Pick<Push, 'platform' | 'headers'>, progress: Progress): Promise<boolean> {
  const { domain, path, tag } = reference
  return withReal(call.host, reference, call.connection.signal, async (real) => {
    if (real.standing !== undefined && real.standing !== id) throw takenByOperator(reference)
    if (real.standing === undefined) {
      await real.appears()
      await tagAs(call, id, normalised(reference))
    }
    const stream = await call.host.stream({
      method: 'POST', path: at`/images/${domain}/${path}/push`, version: call.version, headers, query: { tag, platform },
    }, { signal: real.signal })
    if (stream.status >= 300) throw new Refusal(stream.status, messageOf(await readAll(stream.body)))
    progress.started()
    for await (const text of splitLines(stream.body)) {
      const line = parseAnswer(text) as { status?: string; error?: string; aux?: { Digest?: string } }
      const digest = digestIn(line)
      if (own && digest !== undefined) await nameImage(call, id, { domain, path, digest })
      progress.line(await withoutForeignSource(call, domain, line))
      if (line.error !== undefined) return false
    }
    await announcePush(call, id, reference)
    return true
  })
}

/** What was pushed, which engines with containerd's image store tell only in words. */
function digestIn({ aux, status = '' }: { aux?: { Digest?: string }; status?: string }): string | undefined {
  return aux?.Digest ?? /^\S+: digest: (sha256:[0-9a-f]{64}) size: \d+$/.exec(status)?.[1]
}

/** An engine knows from all its pushes which repository of a registry has a layer already; the names of others' repositories are not told. */
async function withoutForeignSource(call: Call, domain: string, line: { status?: string }): Promise<unknown> {
  const source = /^Mounted from (\S+)$/.exec(line.status ?? '')?.[1]
  if (source === undefined || (await tagsOf(call, `${domain}/${source}`)).length > 0) return line
  return { ...line, status: 'Layer already exists' }
}

function takenByOperator(reference: Reference): Refusal {
  return forbidden({
    field: `pushing ${familiar(reference)}`, why: 'the operator has another image under this name on the engine',
    instead: 'tag it otherwise and push that, or ask the operator',
  })
}
