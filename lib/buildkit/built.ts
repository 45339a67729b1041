import type { Call } from '../endpoint.ts'
import { adoptImage, nameImage, noteTagged, tagAs, untagStored } from '../images/adopt.ts'
import { announceImage, announceTag } from '../images/events.ts'
import { idOnEngine } from '../images/real.ts'
import { compareVersions } from '../go.ts'
import { normalised, storedReference } from '../reference.ts'
import type { Exported } from './exporters.ts'

/**
 * Makes what a build has left on the engine the namespace's: the image and its references. The engine has tagged it under stored names
 * already, which tell whose it is should the gateway end here. Throws `Refusal` 403 beyond limits.images, after putting the references back.
 */
export async function claimBuilt(call: Call, { image, references, pushed }: Exported, told: string | undefined): Promise<void> {
  if (!image || told === undefined) return
  // Of two exporters the last tells: what was pushed. Attestations name the image, so the one that is kept, under another name, is another.
  const id = pushed.length === 0 ? told : await idOnEngine(call.host, storedReference(call.ns, references[0]!)) ?? told
  try {
    await adoptImage(call, id)
    for (const reference of references) {
      await nameImage(call, id, reference)
      await noteTagged(call, id, call.now)
      await announceTag(call, id, reference)
    }
    for (const { domain, path } of pushed) await nameImage(call, id, { domain, path, digest: told })
    if (tellsOfBuilt(call.host)) announceImage(call, 'create', id, (await call.host.image(id))?.Config?.Labels)
  } catch (error) {
    await putBack(call, references)
    throw error
  }
}

/** Engines tell of images that builds have made since 27. */
function tellsOfBuilt(host: Call['host']): boolean {
  return compareVersions(host.facts().apiVersion, '1.46') >= 0
}

/** References as the store has them: what they named before, or nothing. */
async function putBack(call: Call, references: Exported['references']): Promise<void> {
  for (const reference of references) {
    const before = await call.store.byName(call.ns, 'reference', normalised(reference))
    const stored = storedReference(call.ns, reference)
    if (before?.id !== undefined) await tagAs(call, before.id, stored)
    else await untagStored(call, stored)
  }
}

/** A build whose end nobody has heard may have left its image: what carries a name of it is claimed, so that nothing is without an owner. */
export async function claimLeft(call: Call, { references }: Exported): Promise<void> {
  for (const reference of references) {
    const id = await idOnEngine(call.host, storedReference(call.ns, reference))
    if (id === undefined) continue
    const claimed = await call.store.byName(call.ns, 'reference', normalised(reference))
    if (claimed?.id !== id) await claimBuilt(call, { image: true, references: [reference], pushed: [] }, id)
  }
}
