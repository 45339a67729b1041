import type { Host } from './engine.ts'
import { parseAnswer } from './json.ts'
import { jobName, namespacePattern, storedRegistry } from './names.ts'
import type { Claim, Kind, Store } from './store.ts'

const kinds = ['container', 'network', 'volume'] as const

/** An object on the engine under a stored name. */
interface Found {
  id: string
  ns: string
  name: string
}

/** What is to be known for reconciling. */
export interface Reconciling {
  /** Is nobody creating what this reservation is for any more? Such names are given up. */
  isOver(reservation: Claim): Promise<boolean>
}

/**
 * Makes the store agree with a host after a stretch of time in which nobody watched: a crash of a gateway or of the engine.
 *
 * Objects under a stored name are claimed for the namespace in the name (nobody else could have made them), claims whose object is
 * gone are released, and reservations of the dead given up. Answers the namespaces that objects are named after but that do not live here.
 */
export async function reconcile(host: Host, store: Store, { isOver }: Reconciling): Promise<Set<string>> {
  const mine = (await store.namespaces(host.name)).map((namespace) => namespace.id)
  // Before looking: what is claimed or under way while we look must not be mistaken for gone.
  const before = (await Promise.all(mine.flatMap((ns) => kinds.map((kind) => store.claims(ns, kind))))).flat()
  const over = await settled((await Promise.all(mine.map((ns) => store.reservations(ns)))).flat(), isOver)
  const [containers, networks, volumes, tags] = await Promise.all([
    objects(host, '/containers/json', (one) => ({ id: one.Id, stored: one.Names?.find((name: string) => name.indexOf('/', 1) < 0)?.slice(1) ?? '' })),
    objects(host, '/networks', (one) => ({ id: one.Id, stored: one.Name })),
    objects(host, '/volumes', (one) => ({ id: one.Name, stored: one.Name })),
    objects(host, '/images/json', (one) => ({ id: one.Id, stored: (one.RepoTags ?? []).join(' ') })),
  ])
  const known = new Set(mine)
  const strangers = new Set(tags.flatMap(({ stored }) => namespacesInTags(stored)).filter((ns) => !known.has(ns)))
  for (const [kind, found] of [['container', containers], ['network', networks], ['volume', volumes]] as const) {
    const named = found.map(({ id, stored }) => split(id, stored)).filter((one) => one !== undefined)
    for (const { ns } of named) if (!known.has(ns)) strangers.add(ns)
    const adopted = await adopt(store, kind, named.filter((one) => known.has(one.ns)))
    if (kind === 'container') for (const one of adopted) await claimAnonymousVolumes(host, store, one.ns, one.id)
  }
  const there = new Set([...containers, ...networks, ...volumes].map((one) => one.id))
  for (const claim of before) if (!there.has(claim.id!)) await store.releaseId(claim.ns, claim.kind, claim.id!)
  for (const left of over) await giveUp(store, left)
  return strangers
}

async function settled(reservations: Claim[], isOver: Reconciling['isOver']): Promise<Claim[]> {
  const over = await Promise.all(reservations.map(isOver))
  return reservations.filter((_, index) => over[index])
}

/** Unless it was claimed meanwhile. */
async function giveUp(store: Store, { ns, kind, name }: Claim): Promise<void> {
  if (await store.byName(ns, kind, name) === undefined) await store.release(ns, kind, name)
}

function namespacesInTags(tags: string): string[] {
  const namespaces = tags.split(' ').filter((tag) => tag.startsWith(`${storedRegistry}/`)).map((tag) => tag.split('/')[1]!)
  return namespaces.filter((ns) => namespacePattern.test(ns))
}

async function objects(host: Host, path: string, read: (one: any) => { id: string; stored: string }): Promise<{ id: string; stored: string }[]> {
  const answer = await host.call({ method: 'GET', path, query: path === '/containers/json' ? { all: true } : {} })
  if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${answer.text.trim()}`)
  const parsed = parseAnswer(answer.text) as any
  return ((path === '/volumes' ? parsed.Volumes : parsed) ?? []).map(read)
}

function split(id: string, stored: string): Found | undefined {
  const ns = stored.slice(0, 16)
  const name = namespacePattern.test(ns) ? jobName(ns, stored) : undefined
  return name === undefined ? undefined : { id, ns, name }
}

async function adopt(store: Store, kind: Kind, found: readonly Found[]): Promise<Found[]> {
  const adopted: Found[] = []
  for (const one of found) {
    if (await store.byId(one.ns, kind, one.id) !== undefined) continue
    await store.claim({ ns: one.ns, kind, name: one.name, id: one.id })
    adopted.push(one)
  }
  return adopted
}

/** Volumes that the engine named itself when it made a container: 64 hex digits, known only from the container's mounts. */
export async function claimAnonymousVolumes(host: Host, store: Store, ns: string, container: string): Promise<void> {
  const answer = await host.call({ method: 'GET', path: `/containers/${container}/json` })
  if (answer.status !== 200) return
  const mounts = (parseAnswer(answer.text) as any).Mounts as { Type: string; Name?: string }[]
  for (const { Type, Name } of mounts ?? []) {
    if (Type === 'volume' && Name !== undefined && /^[0-9a-f]{64}$/.test(Name)) {
      await store.claim({ ns, kind: 'volume', name: Name, id: Name, facts: { anonymous: true } })
    }
  }
}
