import { endpoint, type Call } from '../lib/endpoint.ts'
import { announcePrune } from '../lib/events.ts'
import { presentSummary } from '../lib/containers/present.ts'
import { at } from '../lib/engine-path.ts'
import { containerFilterKeys, containerMatcher, impliesAll, isRunning, type ContainerContext, type ContainerSummary } from '../lib/filters/containers.ts'
import { parseFilters, type Filters } from '../lib/filters/parse.ts'
import { matchPrune, pruneFilterKeys, pruneUntil } from '../lib/filters/prune.ts'
import { flag, integer, text } from '../lib/query.ts'
import { Refusal } from '../lib/refusal.ts'

const query = { all: flag(), size: flag(), limit: integer(500), since: text, before: text, filters: text }

/** `GET /containers/json` (Engine API, ContainerList): the engine is asked for the namespace's own ids only, the gateway filters. */
export const containerList = endpoint({
  name: 'ContainerList', route: 'GET /containers/json', query,
  async answer(call) {
    const filters = withOldKeys(parseFilters(call.query.filters, containerFilterKeys), call.query)
    const matches = containerMatcher(filters, await context(call, filters))
    const limit = call.query.limit ?? 0
    const everything = call.query.all || limit > 0 || impliesAll(filters) || filters.has('before') || filters.has('since')
    const found = (await ownContainers(call, { all: everything, size: call.query.size }))
    const ordered = filters.has('before') || filters.has('since') ? containerMatcher(filters, await context(call, filters, found)) : matches
    const shown = found.filter((one) => (everything || isRunning(one)) && ordered(one))
    return { status: 200, body: limit > 0 ? shown.slice(0, limit) : shown }
  },
})

/** `POST /containers/prune` (Engine API, ContainerPrune): own stopped containers, one by one. */
export const containerPrune = endpoint({
  name: 'ContainerPrune', route: 'POST /containers/prune', query: { filters: text },
  async answer(call) {
    const filters = parseFilters(call.query.filters, pruneFilterKeys)
    const until = pruneUntil(filters, call.now)
    const stopped = (await ownContainers(call, { all: true, size: true }))
      .filter((one) => !isRunning(one) && matchPrune(filters, one.Labels ?? {}, (one as { Created?: number }).Created ?? 0, until))
    const deleted: string[] = []
    let reclaimed = 0
    for (const one of stopped) {
      const answer = await call.host.call({ method: 'DELETE', path: at`/containers/${one.Id}` })
      if (answer.status >= 300) continue
      await call.store.releaseId(call.ns, 'container', one.Id)
      deleted.push(one.Id)
      reclaimed += (one as { SizeRw?: number }).SizeRw ?? 0
    }
    announcePrune(call as Call, 'container', reclaimed)
    return { status: 200, body: { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed } }
  },
})

/** The namespace's containers as the engine lists them, newest first, in job names. */
export async function ownContainers(call: Call, { all, size }: { all: boolean; size: boolean }): Promise<ContainerSummary[]> {
  const claims = await call.store.claims(call.ns, 'container')
  if (claims.length === 0) return []
  const list: ContainerSummary[] = await call.ask({
    method: 'GET', path: at`/containers/json`,
    query: { all: all || undefined, size: size || undefined, filters: JSON.stringify({ id: claims.map((claim) => claim.id!) }) },
  })
  const byId = new Map(claims.map((claim) => [claim.id, claim]))
  return Promise.all(list.filter((one) => byId.has(one.Id)).map((one) => presentSummary(one, byId.get(one.Id), call)))
}

/** Before filters there were query parameters of the same names. */
function withOldKeys(filters: Filters, old: { since: string | undefined; before: string | undefined }): Filters {
  const added = (['since', 'before'] as const).filter((key) => old[key]).map((key) => [key, [old[key]!]] as const)
  return added.length === 0 ? filters : new Map([...filters, ...added])
}

async function context(call: Call, filters: Filters, found: ContainerSummary[] = []): Promise<ContainerContext> {
  const id = async (key: string) => filters.has(key) ? (await named(call, filters.get(key)![0] ?? '', `filters.${key}`)).id : undefined
  return {
    order: new Map(found.map((one, place) => [one.Id, place])),
    before: await id('before'), since: await id('since'),
    ancestors: new Set(await ancestors(call, filters)),
  }
}

/** The field tells this missing container from one in a path, of which older engines speak otherwise. */
async function named(call: Call, term: string, field: string): Promise<{ id: string }> {
  return call.resolve.container(term).catch((error) => {
    throw error instanceof Refusal ? new Refusal(error.status, error.message, field) : error
  })
}

/** Ids of the named images and of every own image built upon them. */
async function ancestors(call: Call, filters: Filters): Promise<string[]> {
  const named = await Promise.all((filters.get('ancestor') ?? []).map((term) => call.resolve.image(term).then((image) => image.id, (error) => {
    if (error instanceof Refusal) return undefined
    throw error
  })))
  const roots = new Set(named.filter((id) => id !== undefined))
  if (roots.size === 0) return []
  const images = (await call.store.claims(call.ns, 'image')).map((claim) => claim.id!)
  const descends = await Promise.all(images.map(async (id) => roots.has(id) || await hasAncestor(call, id, roots)))
  return [...roots, ...images.filter((_, index) => descends[index])]
}

async function hasAncestor(call: Call, id: string, roots: ReadonlySet<string>): Promise<boolean> {
  for (let parent = (await call.host.image(id))?.Parent; parent; parent = (await call.host.image(parent))?.Parent) {
    if (roots.has(parent)) return true
  }
  return false
}
