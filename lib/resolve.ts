import { ambiguous, missing } from './missing.ts'
import { familiar, isImageId, normalised, parseReference, storedReference, withDefaultTag } from './reference.ts'
import type { Refusal } from './refusal.ts'
import type { Claim, Kind, Store } from './store.ts'

/** An image a namespace can see. */
export interface VisibleImage {
  /** `sha256:<64 hex>` */
  id: string
  /** What the engine is told: the stored or shared reference, or the id when the job named an id. */
  onEngine: string
  /** Normalised reference the job named, absent when it named an id. */
  reference?: string
  /** True for images the operator shares: visible to all, changed by none. */
  shared: boolean
}

/** Turns the job's strings into claims. What does not resolve gets the engine's own "no such" answer and never reaches an engine. */
export interface Resolver {
  container(term: string): Promise<Claim & { id: string }>
  network(term: string): Promise<Claim & { id: string }>
  volume(name: string): Promise<Claim & { id: string }>
  image(term: string): Promise<VisibleImage>
}

/** `shared` maps normalised references that the operator shares to image ids. */
export function resolver(store: Store, ns: string, shared: ReadonlyMap<string, string>): Resolver {
  return {
    container: (term) => byIdOrName(store, ns, 'container', term),
    network: (term) => byIdOrName(store, ns, 'network', term),
    volume: async (name) => found(await store.byName(ns, 'volume', name)) ?? raise(missing.volume(name)),
    image: (term) => image(store, ns, shared, term),
  }
}

function raise(refusal: Refusal): never {
  throw refusal
}

function found(claim: Claim | undefined): (Claim & { id: string }) | undefined {
  return claim?.id === undefined ? undefined : claim as Claim & { id: string }
}

/** What may be the name of one at all. */
const termForm = { container: /^[a-zA-Z0-9_.-]+$/, network: /^\P{Cc}+$/u }

/** Full id first, then name, then unambiguous id prefix: the engine's order (moby, daemon/container.go GetContainer). */
async function byIdOrName(store: Store, ns: string, kind: 'container' | 'network', term: string): Promise<Claim & { id: string }> {
  if (!termForm[kind].test(term)) throw missing[kind](term)
  if (/^[0-9a-f]{64}$/.test(term)) {
    const byId = found(await store.byId(ns, kind, term))
    if (byId) return byId
  }
  const byName = found(await store.byName(ns, kind, term))
  if (byName) return byName
  return (await byPrefix(store, ns, kind, term)) ?? raise(missing[kind](term))
}

async function byPrefix(store: Store, ns: string, kind: Kind & keyof typeof ambiguous, term: string) {
  if (!/^[0-9a-f]{1,64}$/.test(term)) return undefined
  const claims = await store.byIdPrefix(ns, kind, term)
  if (claims.length > 1) throw ambiguous[kind](term)
  return found(claims[0])
}

async function image(store: Store, ns: string, shared: ReadonlyMap<string, string>, term: string): Promise<VisibleImage> {
  const kind = isImageId(term)
  if (kind === 'id') {
    const id = term.startsWith('sha256:') ? term : `sha256:${term}`
    return (await imageById(store, ns, shared, id)) ?? raise(missing.image(term.startsWith('sha256:') ? term : `sha256:${term}`))
  }
  const reference = withDefaultTag(parseReference(term))
  const name = normalised(reference)
  const own = found(await store.byName(ns, 'reference', name))
  if (own) return { id: own.id, reference: name, shared: false, onEngine: name.includes('@') ? own.id : storedReference(ns, reference) }
  const id = shared.get(name)
  if (id !== undefined) return { id, reference: name, shared: true, onEngine: familiar(reference) }
  if (kind === 'prefix') {
    const byPrefix = await imageByPrefix(store, ns, shared, term)
    if (byPrefix) return byPrefix
  }
  throw missing.image(familiar(reference))
}

async function imageById(store: Store, ns: string, shared: ReadonlyMap<string, string>, id: string): Promise<VisibleImage | undefined> {
  const own = found(await store.byId(ns, 'image', id))
  if (own) return { id, onEngine: id, shared: false }
  return [...shared.values()].includes(id) ? { id, onEngine: id, shared: true } : undefined
}

async function imageByPrefix(store: Store, ns: string, shared: ReadonlyMap<string, string>, term: string): Promise<VisibleImage | undefined> {
  const prefix = term.startsWith('sha256:') ? term : `sha256:${term}`
  const own = (await store.byIdPrefix(ns, 'image', prefix)).map((claim) => claim.id!)
  const ids = [...new Set([...own, ...[...shared.values()].filter((id) => id.startsWith(prefix))])]
  return ids.length === 1 ? { id: ids[0]!, onEngine: ids[0]!, shared: own.length === 0 } : undefined
}
