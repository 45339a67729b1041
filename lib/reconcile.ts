import { inspectPath, listObjects, listTags, objectKinds, type EngineObject } from './engine-objects.ts'
import type { Host } from './engine.ts'
import { parseAnswer } from './json.ts'
import { jobName, namespacePattern, storedRegistry } from './names.ts'
import type { Claim, Kind, Store } from './store.ts'

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
  const before = (await Promise.all(mine.flatMap((ns) => objectKinds.map((kind) => store.claims(ns, kind))))).flat()
  const over = await settled((await Promise.all(mine.map((ns) => store.reservations(ns)))).flat(), isOver)
  const [tags, ...listed] = await Promise.all([listTags(host, `${storedRegistry}/`), ...objectKinds.map((kind) => listObjects(host, kind))])
  const known = new Set(mine)
  const strangers = new Set(tags.map((tag) => tag.split('/')[1]!).filter((ns) => namespacePattern.test(ns) && !known.has(ns)))
  for (const [index, kind] of objectKinds.entries()) {
    const named = listed[index]!.map(split).filter((one) => one !== undefined)
    for (const { ns } of named) if (!known.has(ns)) strangers.add(ns)
    const adopted = await adopt(store, kind, named.filter((one) => known.has(one.ns)))
    if (kind === 'container') for (const one of adopted) await claimAnonymousVolumes(host, store, one.ns, one.id)
  }
  const there = new Set(listed.flat().map((one) => one.id))
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

function split({ id, storedName: stored }: EngineObject): Found | undefined {
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
  const answer = await host.call({ method: 'GET', path: inspectPath('container', container) })
  if (answer.status !== 200) return
  const mounts = (parseAnswer(answer.text) as any).Mounts as { Type: string; Name?: string }[]
  for (const { Type, Name } of mounts ?? []) {
    if (Type === 'volume' && Name !== undefined && /^[0-9a-f]{64}$/.test(Name)) {
      await store.claim({ ns, kind: 'volume', name: Name, id: Name, facts: { anonymous: true } })
    }
  }
}
