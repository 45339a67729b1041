import { listObjects, listTags, objectKinds, objectPath, type ObjectKind } from './engine-objects.ts'
import { at } from './engine-path.ts'
import type { Host } from './engine.ts'
import { parseAnswer } from './json.ts'
import { jobName, storedRegistry } from './names.ts'
import { fromStored } from './reference.ts'
import { messageOf } from './refusal.ts'
import type { Store } from './store.ts'

/** What closing a namespace removed, in job names. */
export interface Removed {
  containers: string[]
  networks: string[]
  volumes: string[]
  images: string[]
}

/** Something that could not be removed yet, in job names, and why. */
export interface Left {
  kind: ObjectKind | 'image'
  name: string
  why: string
}

/** Removals under way at one time; the engine does them one by one anyway. */
const atOnce = 8

/** A thing on the engine that is to go. */
interface Doomed {
  kind: Left['kind']
  /** An image's is its reference. */
  id: string
  name: string
}

/**
 * Removes everything of a namespace from its host: what is claimed and then whatever carries the stored prefix. What is busy is left and told,
 * and what is already gone is not missed; to be repeated until nothing is left. Throws `Refusal` 503 when the host is away, 502 when it
 * cannot be asked what there is.
 */
export async function removeEverything(host: Host, store: Store, ns: string): Promise<{ removed: Removed; left: Left[] }> {
  const removed: Removed = { containers: [], networks: [], volumes: [], images: [] }
  const left: Left[] = []
  // Containers hold networks and volumes, so they go first.
  for (const kind of [...objectKinds, 'image'] as const) {
    await each(kind === 'image' ? await images(host, ns) : await objects(host, store, ns, kind), async (doomed) => {
      const why = await remove(host, doomed)
      if (why === undefined) removed[`${doomed.kind}s`].push(doomed.name)
      else left.push({ kind: doomed.kind, name: doomed.name, why })
    })
  }
  removed.images = removed.images.filter((name) => name !== '')
  return { removed, left }
}

/** Everything of a kind that is claimed or carries the stored prefix. */
async function objects(host: Host, store: Store, ns: string, kind: ObjectKind): Promise<Doomed[]> {
  const found = new Map((await store.claims(ns, kind)).map((claim) => [claim.id!, claim.name]))
  for (const { id, storedName } of await listObjects(host, kind, `${ns}.`)) {
    const name = jobName(ns, storedName)
    if (name !== undefined) found.set(id, name)
  }
  return [...found].map(([id, name]) => ({ kind, id, name }))
}

async function images(host: Host, ns: string): Promise<Doomed[]> {
  // Tags that no job ever saw have no name to tell.
  return (await listTags(host, `${storedRegistry}/${ns}/`)).map((tag) => ({ kind: 'image', id: tag, name: fromStored(ns, tag) ?? '' }))
}

const queries = { container: { force: true, v: true }, network: {}, volume: { force: true }, image: { force: true } }

/** Undefined when the thing is gone, else why it is not. */
async function remove(host: Host, { kind, id }: Doomed): Promise<string | undefined> {
  const path = kind === 'image' ? at`/images/${id}` : objectPath(kind, id)
  const ask = () => host.call({ method: 'DELETE', path, query: queries[kind] })
  let answer = await ask()
  if (kind === 'network' && answer.status >= 400 && answer.status !== 404) {
    await letGo(host, id)
    answer = await ask()
  }
  if (answer.status < 300 || answer.status === 404) return undefined
  return messageOf(answer.text) || `the engine answered ${answer.status}`
}

/** Ends the memberships of a network; a killed engine can remember some of containers that are no more. */
async function letGo(host: Host, id: string): Promise<void> {
  const answer = await host.call({ method: 'GET', path: objectPath('network', id) })
  if (answer.status !== 200) return
  for (const container of Object.keys(parseAnswer(answer.text).Containers ?? {})) {
    await host.call({ method: 'POST', path: at`/networks/${id}/disconnect`, body: { Container: container, Force: true } })
  }
}

async function each<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all]
  await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one)
  }))
}
