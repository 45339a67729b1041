import type { Call } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { compareVersions } from '../go.ts'
import { parseAnswer } from '../json.ts'
import { readAll, splitLines } from '../lines.ts'
import { present, presentError } from '../present.ts'
import { storedReference, type Reference } from '../reference.ts'
import { messageOf, Refusal } from '../refusal.ts'
import { adoptImage, nameImage, noteTagged, refuseWhenFull } from './adopt.ts'
import { changeLines } from './changes.ts'
import { announceImage, announceTag } from './events.ts'
import { targetReference } from './names.ts'
import type { Progress } from './progress.ts'
import { withLoading } from './real.ts'
import { loadingReference } from './reconcile.ts'

/** What an import may say of its image. */
export interface ImportQuery {
  repo: string | undefined
  tag: string | undefined
  message: string | undefined
  changes: readonly string[]
  platform: string | undefined
}

/** The same, checked: nothing has been sent to the engine yet. */
export interface Import extends Pick<ImportQuery, 'message' | 'changes' | 'platform'> {
  target: Reference | undefined
}

/** Throws `Refusal` 400 for names and changes that an engine refuses, or that cannot be stored. */
export function wantedImport(call: Call, { repo, tag, message, changes, platform }: ImportQuery): Import {
  const target = newTarget(call, repo, tag)
  return { target, message, changes: changeLines(changes, call.host.facts()), platform }
}

/** The reference a new image is to have, checked for all that could go wrong with it later; undefined when none was asked for. */
export function newTarget(call: Call, repo: string | undefined, tag: string | undefined): Reference | undefined {
  const complaint = compareVersions(call.host.facts().apiVersion, '1.42') < 0 ? undefined : 'cannot import digest reference'
  const target = targetReference(repo, tag, complaint)
  if (target) storedReference(call.ns, target)
  return target
}

/** Makes an image of the tar in the request's body (moby, POST /images/create?fromSrc=-). It never has an unprefixed name on the engine. */
export function importImage(call: Call, { target, message, changes, platform }: Import, progress: Progress): Promise<void> {
  const loading = loadingReference(call.ns, call.randomHex().slice(0, 32))
  const colon = loading.lastIndexOf(':')
  return withLoading(call.host, loading, async () => {
    await refuseWhenFull(call)
    const stream = await call.host.stream({
      method: 'POST', path: at`/images/create`, version: call.version,
      query: { fromSrc: '-', repo: loading.slice(0, colon), tag: loading.slice(colon + 1), message, changes, platform },
    }, { signal: call.connection.signal, upload: call.connection.upload(), contentType: 'application/x-tar' })
    if (stream.status >= 300) throw new Refusal(stream.status, presentError(call.ns, messageOf(await readAll(stream.body))))
    for await (const text of splitLines(stream.body)) {
      const line = parseAnswer(present(call.ns, text)) as { status?: string }
      if (/^sha256:[0-9a-f]{64}$/.test(line.status ?? '')) await keep(call, line.status!, target)
      progress.line(line)
    }
  })
}

async function keep(call: Call, id: string, target: Reference | undefined): Promise<void> {
  await keepNew(call, id, target)
  announceImage(call, 'import', id, (await call.host.image(id))?.Config?.Labels)
}

/** Makes an image that has just been made the namespace's, under its new name. */
export async function keepNew(call: Call, id: string, target: Reference | undefined): Promise<void> {
  await adoptImage(call, id)
  if (target === undefined) return
  await nameImage(call, id, target)
  await noteTagged(call, id, call.now)
  await announceTag(call, id, target)
}
