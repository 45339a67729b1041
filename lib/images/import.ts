import type { Call, Reply } from '../endpoint.ts'
import { compareVersions } from '../go.ts'
import { parseAnswer } from '../json.ts'
import { readAll, splitLines } from '../lines.ts'
import { present, presentError } from '../present.ts'
import { storedReference, type Reference } from '../reference.ts'
import { Refusal } from '../refusal.ts'
import { adoptImage, nameImage, noteTagged, untagStored } from './adopt.ts'
import { announceImage, announceTag } from './events.ts'
import { targetReference } from './names.ts'
import { loadingReference } from './reconcile.ts'

/** What an import may say of its image; the engine checks `changes` (only instructions that set the image's config). */
export interface ImportQuery {
  repo: string | undefined
  tag: string | undefined
  message: string | undefined
  changes: readonly string[]
  platform: string | undefined
}

/** Makes an image of the tar in the request's body (moby, POST /images/create?fromSrc=-). It never has an unprefixed name on the engine. */
export async function importImage(call: Call, { repo, tag, message, changes, platform }: ImportQuery): Promise<Reply> {
  const complaint = compareVersions(call.host.facts().apiVersion, '1.42') < 0 ? undefined : 'cannot import digest reference'
  const target = targetReference(repo, tag, complaint)
  // Before anything is sent: some names cannot be stored.
  if (target) storedReference(call.ns, target)
  const loading = loadingReference(call.ns, call.randomHex().slice(0, 32))
  const colon = loading.lastIndexOf(':')
  const stream = await call.host.stream({
    method: 'POST', path: '/images/create', version: call.version,
    query: { fromSrc: '-', repo: loading.slice(0, colon), tag: loading.slice(colon + 1), message, changes, platform: platform || undefined },
  }, { signal: call.connection.signal, upload: call.connection.upload(), contentType: 'application/x-tar' })
  if (stream.status >= 300) throw new Refusal(stream.status, complaintOf(call.ns, await readAll(stream.body)))

  async function* lines(): AsyncGenerator<unknown> {
    try {
      for await (const text of splitLines(stream.body)) {
        const line = parseAnswer(present(call.ns, text)) as { status?: string }
        if (/^sha256:[0-9a-f]{64}$/.test(line.status ?? '')) await keep(call, line.status!, target)
        yield line
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      yield { errorDetail: { message: error.message }, error: error.message }
    } finally {
      await untagStored(call, loading)
    }
  }
  return { status: 200, lines: lines() }
}

async function keep(call: Call, id: string, target: Reference | undefined): Promise<void> {
  await adoptImage(call, id)
  if (target) {
    await nameImage(call, id, target)
    await noteTagged(call, id, call.now)
    await announceTag(call, id, target)
  }
  announceImage(call, 'import', id, (await call.host.image(id))?.Config?.Labels)
}

function complaintOf(ns: string, text: string): string {
  try {
    return presentError(ns, String(JSON.parse(text).message))
  } catch {
    return text.trim()
  }
}
