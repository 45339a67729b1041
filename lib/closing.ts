import type { EngineAnswer, Host } from './engine.ts'
import { parseAnswer } from './json.ts'
import { jobName, storedRegistry } from './names.ts'
import { fromStored } from './reference.ts'
import { Refusal } from './refusal.ts'
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
  kind: 'container' | 'network' | 'volume' | 'image'
  name: string
  why: string
}

/** Removals under way at one time; the engine does them one by one anyway. */
const atOnce = 8

/** A thing on the engine that is to go. */
interface Doomed {
  kind: Left['kind']
  /** Path to DELETE. */
  path: string
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
  for (const find of [containers, networks, volumes, images]) {
    await each(await find(host, store, ns), async (doomed) => {
      const why = await remove(host, doomed)
      if (why === undefined) removed[`${doomed.kind}s`].push(doomed.name)
      else left.push({ kind: doomed.kind, name: doomed.name, why })
    })
  }
  removed.images = removed.images.filter((name) => name !== '')
  return { removed, left }
}

async function containers(host: Host, store: Store, ns: string): Promise<Doomed[]> {
  return named(host, store, ns, 'container', { path: '/containers/json', all: true }, (one) => ({ id: one.Id, name: one.Names?.[0] ?? '' }))
}

async function networks(host: Host, store: Store, ns: string): Promise<Doomed[]> {
  return named(host, store, ns, 'network', { path: '/networks' }, (one) => ({ id: one.Id, name: one.Name }))
}

async function volumes(host: Host, store: Store, ns: string): Promise<Doomed[]> {
  return named(host, store, ns, 'volume', { path: '/volumes' }, (one) => ({ id: one.Name, name: one.Name }))
}

/** Everything of a kind that is claimed or carries the stored prefix. */
async function named(host: Host, store: Store, ns: string, kind: 'container' | 'network' | 'volume', { path, all }: { path: string; all?: true },
  read: (one: any) => { id: string; name: string }): Promise<Doomed[]> {
  const found = new Map((await store.claims(ns, kind)).map((claim) => [claim.id!, claim.name]))
  const answer = expectOk(await host.call({ method: 'GET', path, query: { all, filters: JSON.stringify({ name: [`${ns}.`] }) } }))
  const objects: any[] = kind === 'volume' ? answer.Volumes ?? [] : answer
  for (const { id, name } of objects.map(read)) {
    const own = jobName(ns, name)
    if (own !== undefined) found.set(id, own.replace(/^\//, ''))
  }
  return [...found].map(([id, name]) => ({ kind, path: `/${kind}s/${id}`, name }))
}

async function images(host: Host, _store: Store, ns: string): Promise<Doomed[]> {
  const found: { RepoTags: string[] | null }[] = expectOk(await host.call({ method: 'GET', path: '/images/json' }))
  const tags = found.flatMap((image) => image.RepoTags ?? []).filter((tag) => tag.startsWith(`${storedRegistry}/${ns}/`))
  // Tags that no job ever saw have no name to tell.
  return tags.map((tag) => ({ kind: 'image', path: `/images/${tag}`, name: fromStored(ns, tag) ?? '' }))
}

function expectOk(answer: EngineAnswer): any {
  if (answer.status !== 200) throw new Refusal(502, `the engine answered ${answer.status}: ${answer.text.trim()}`)
  return parseAnswer(answer.text)
}

const queries = { container: { force: true, v: true }, network: {}, volume: { force: true }, image: { force: true } }

/** Undefined when the thing is gone, else why it is not. */
async function remove(host: Host, { kind, path }: Doomed): Promise<string | undefined> {
  const ask = () => host.call({ method: 'DELETE', path, query: queries[kind] })
  let answer = await ask()
  if (kind === 'network' && answer.status >= 400 && answer.status !== 404) {
    await letGo(host, path)
    answer = await ask()
  }
  if (answer.status < 300 || answer.status === 404) return undefined
  return messageOf(answer)
}

/** Ends the memberships of a network; a killed engine can remember some of containers that are no more. */
async function letGo(host: Host, path: string): Promise<void> {
  const answer = await host.call({ method: 'GET', path })
  if (answer.status !== 200) return
  for (const container of Object.keys(parseAnswer(answer.text).Containers ?? {})) {
    await host.call({ method: 'POST', path: `${path}/disconnect`, body: { Container: container, Force: true } })
  }
}

function messageOf({ status, text }: EngineAnswer): string {
  try {
    return String(parseAnswer(text).message)
  } catch {
    return `the engine answered ${status}`
  }
}

async function each<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all]
  await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one)
  }))
}
