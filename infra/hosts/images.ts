import { at } from '../../lib/engine-path.ts'
import type { Host, ImageFacts } from '../../lib/engine.ts'
import { parseAnswer } from '../../lib/json.ts'
import { normalised, parseReference, withDefaultTag } from '../../lib/reference.ts'

/** Images whose facts are kept; each is a few kilobytes. */
const imagesKept = 2048

/** Image facts by id and API version, asked for once. */
export function imageCache(client: Pick<Host, 'call'>): { facts: Host['image']; config: Host['config']; forget(id: string): void } {
  const kept = new Map<string, Map<string, ImageFacts>>()
  const configs = new Map<string, Promise<Uint8Array | undefined>>()
  return {
    async facts(id, version = '') {
      const known = kept.get(id)?.get(version)
      if (known) return known
      const answer = await client.call({ method: 'GET', path: at`/images/${id}/json`, ...(version && { version }) })
      if (answer.status !== 200) return undefined
      const facts = parseAnswer(answer.text) as ImageFacts
      if (kept.size >= imagesKept) kept.delete(kept.keys().next().value!)
      kept.set(id, (kept.get(id) ?? new Map()).set(version, facts))
      return facts
    },
    async config(id, read) {
      const known = configs.get(id)
      if (known) return known
      if (configs.size >= imagesKept) configs.delete(configs.keys().next().value!)
      const reading = read()
      configs.set(id, reading)
      if (await reading.catch(() => undefined) === undefined) configs.delete(id)
      return reading
    },
    forget(id) {
      kept.delete(id)
      configs.delete(id)
    },
  }
}

/** Finds the ids of the operator's shared references again; answers those that the engine does not have, which are left out. */
export async function refreshShared(client: Pick<Host, 'call'>, references: readonly string[], shared: Map<string, string>): Promise<string[]> {
  const missing: string[] = []
  for (const text of references) {
    const reference = withDefaultTag(parseReference(text))
    const answer = await client.call({ method: 'GET', path: at`/images/${normalised(reference)}/json` })
    if (answer.status === 200) shared.set(normalised(reference), (parseAnswer(answer.text) as { Id: string }).Id)
    else {
      shared.delete(normalised(reference))
      missing.push(text)
    }
  }
  return missing
}
