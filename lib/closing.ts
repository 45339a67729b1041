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

/** Removals under way at one time; the engine does them one by one anyway. */
const atOnce = 8

/**
 * Removes everything of a namespace from its host: what is claimed and then whatever carries the stored prefix.
 * Can be repeated after a failure. Throws a Refusal naming what could not be removed.
 */
export async function removeEverything(host: Host, store: Store, ns: string): Promise<Removed> {
  const containers = await named(host, store, ns, 'container', `/containers/json?all`, (one) => ({ id: one.Id, name: one.Names?.[0] ?? '' }))
  await each(containers.keys(), (id) => remove(host, `/containers/${id}`, { force: true, v: true }))
  const networks = await named(host, store, ns, 'network', '/networks', (one) => ({ id: one.Id, name: one.Name }))
  await each(networks.keys(), (id) => remove(host, `/networks/${id}`))
  const volumes = await named(host, store, ns, 'volume', '/volumes', (one) => ({ id: one.Name, name: one.Name }))
  await each(volumes.keys(), (id) => remove(host, `/volumes/${id}`, { force: true }))
  const images = await storedTags(host, ns)
  for (const tag of images) await remove(host, `/images/${tag}`, { force: true })
  return {
    containers: [...containers.values()], networks: [...networks.values()], volumes: [...volumes.values()],
    images: images.map((tag) => fromStored(ns, tag)).filter((tag) => tag !== undefined),
  }
}

/** Engine id → job name of everything of a kind that is claimed or carries the stored prefix. */
async function named(host: Host, store: Store, ns: string, kind: 'container' | 'network' | 'volume', list: string, read: (one: any) => { id: string; name: string }) {
  const found = new Map((await store.claims(ns, kind)).map((claim) => [claim.id!, claim.name]))
  const [path, all] = list.split('?')
  const answer = expectOk(await host.call({ method: 'GET', path: path!, query: { all: all && true, filters: JSON.stringify({ name: [`${ns}.`] }) } }))
  const objects: any[] = kind === 'volume' ? answer.Volumes ?? [] : answer
  for (const { id, name } of objects.map(read)) {
    const own = jobName(ns, name)
    if (own !== undefined) found.set(id, own.replace(/^\//, ''))
  }
  return found
}

async function storedTags(host: Host, ns: string): Promise<string[]> {
  const images: { RepoTags: string[] | null }[] = expectOk(await host.call({ method: 'GET', path: '/images/json' }))
  return images.flatMap((image) => image.RepoTags ?? []).filter((tag) => tag.startsWith(`${storedRegistry}/${ns}/`))
}

function expectOk(answer: EngineAnswer): any {
  if (answer.status !== 200) throw new Refusal(502, `the engine answered ${answer.status}: ${answer.text.trim()}`)
  return parseAnswer(answer.text)
}

async function remove(host: Host, path: string, query: Record<string, boolean> = {}): Promise<void> {
  const answer = await host.call({ method: 'DELETE', path, query })
  // 409 on a container means that its removal is already under way.
  if (answer.status < 300 || answer.status === 404 || (answer.status === 409 && path.startsWith('/containers/'))) return
  throw new Refusal(502, `could not remove ${path}: the engine answered ${answer.status}: ${answer.text.trim()}; close the namespace again`)
}

async function each(ids: Iterable<string>, work: (id: string) => Promise<void>): Promise<void> {
  const queue = [...ids]
  await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) await work(id)
  }))
}
