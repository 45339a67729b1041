import { endpoint, type Call } from '../lib/endpoint.ts'
import type { ImageFacts } from '../lib/engine.ts'
import { imageFilter, imageFilterKeys, type ImageContext } from '../lib/filters/images.ts'
import { parseFilters, type Filters } from '../lib/filters/parse.ts'
import { compareVersions, parseTime } from '../lib/go.ts'
import { presentSummary, versioned } from '../lib/images/present.ts'
import { visibleImages, type OwnImage } from '../lib/images/table.ts'
import { flag, text } from '../lib/query.ts'
import { ownContainers } from './container-list.ts'

type ListCall = Call<{ all: boolean; filters: string | undefined; filter: string | undefined }>

/** `GET /images/json` (Engine API, ImageList): made from the namespace's table and what is known of the images' contents. */
export const imageList = endpoint({
  name: 'ImageList', route: 'GET /images/json', query: { all: flag(), filters: text, filter: text },
  answer: async (call) => ({ status: 200, body: await list(call) }),
})

/** The namespace's images as `GET /images/json` shows them: from API 1.51 on with the containers that use them. */
export async function list(call: ListCall, withContainers = compareVersions(call.version, '1.51') >= 0): Promise<unknown[]> {
  const filters = withOldFilter(call, parseFilters(call.query.filters, imageFilterKeys))
  const known = await contents(call as Call)
  const narrow = imageFilter(filters, await context(call, filters, known))
  const counted = withContainers ? await containerCounts(call as Call) : undefined
  const isVisible = (id: string) => known.has(id)
  // Newest first; of one second the latest to come.
  const summaries = [...known].reverse().map(([id, { facts, image }]) =>
    presentSummary(facts, image, { isVisible, containers: counted && (counted.get(id) ?? 0) }))
  return summaries.sort((a, b) => b.Created - a.Created).map((one) => narrow(one)).filter((one) => one !== undefined).map((one) => versioned(one, call.version))
}

/** Facts and references of every visible image that the engine has. */
async function contents(call: Call): Promise<Map<string, { facts: ImageFacts; image: OwnImage }>> {
  const images = [...(await visibleImages(call.store, call.host, call.ns)).values()]
  const facts = await Promise.all(images.map((image) => call.host.image(image.id)))
  return new Map(images.flatMap((image, index) => facts[index] === undefined ? [] : [[image.id, { facts: facts[index]!, image }] as const]))
}

async function containerCounts(call: Call): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { ImageID: id } of await ownContainers(call, { all: true, size: false }) as { ImageID?: string }[]) {
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

/** Before filters there was a query parameter for the reference (moby, getImagesJSON). */
function withOldFilter(call: ListCall, filters: Filters): Filters {
  const { filter } = call.query
  if (!filter || compareVersions(call.version, '1.41') >= 0) return filters
  return new Map([...filters, ['reference', [...filters.get('reference') ?? [], filter]]])
}

async function context(call: ListCall, filters: Filters, known: ReadonlyMap<string, { facts: ImageFacts }>): Promise<ImageContext> {
  const created = (id: string) => nanoseconds(known.get(id)?.facts.Created)
  const moments = async (key: string) => Promise.all((filters.get(key) ?? []).map(async (term) => created((await call.resolve.image(term)).id) ?? 0n))
  const [before, since] = [await moments('before'), await moments('since')]
  const parents = new Set([...known.values()].map(({ facts }) => facts.Parent))
  return {
    created, nowMs: call.now, all: call.query.all, hasChildren: (id) => parents.has(id),
    ...(before.length > 0 && { before: before.reduce((a, b) => a < b ? a : b) }),
    ...(since.length > 0 && { since: since.reduce((a, b) => a > b ? a : b) }),
  }
}

function nanoseconds(created: unknown): bigint | undefined {
  if (typeof created !== 'string' || created === '') return undefined
  const { seconds, nanos } = parseTime(created, 0)
  return seconds * 1_000_000_000n + BigInt(nanos)
}
