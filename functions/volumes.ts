import { jsonBody } from '../lib/body.ts'
import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { ensureVolume } from '../lib/ensure.ts'
import { announcePrune } from '../lib/events.ts'
import { parseFilters } from '../lib/filters/parse.ts'
import { matchPrune, pruneAllVolumes, volumePruneFilterKeys } from '../lib/filters/prune.ts'
import { volumeFilterKeys, volumeMatcher } from '../lib/filters/volumes.ts'
import { compareVersions } from '../lib/go.ts'
import { missing } from '../lib/missing.ts'
import { flag, text } from '../lib/query.ts'
import { Refusal } from '../lib/refusal.ts'
import { volumeCreate, type VolumeCreate } from '../lib/schemas/volume-create.ts'
import { anonymousLabel, ownVolumes, presentVolume, usedVolumes } from '../lib/volumes.ts'

/** Endpoints on volumes (Engine API, tag Volume; engine-api.md A.5, B.7). */
export const volumes: readonly Endpoint[] = [
  ...(['GET /volumes', 'GET /volumes/'] as const).map((route) => endpoint({
    name: 'VolumeList', route, query: { filters: text },
    answer: async (call) => ({ status: 200, body: { Volumes: await list(call), Warnings: null } }),
  })),
  endpoint({
    name: 'VolumeCreate', route: 'POST /volumes/create', body: jsonBody(() => volumeCreate),
    answer: create,
  }),
  endpoint({
    name: 'VolumePrune', route: 'POST /volumes/prune', query: { filters: text },
    answer: async (call) => ({ status: 200, body: await prune(call) }),
  }),
  endpoint({
    name: 'VolumeInspect', route: 'GET /volumes/:name{.+}', owns: 'volume',
    plan: ({ id }) => ({ path: at`/volumes/${id}` }),
    present: (volume, { claim }) => presentVolume(volume, claim),
  }),
  endpoint({
    name: 'VolumeUpdate', route: 'PUT /volumes/:name{.+}',
    answer: () => { throw new Refusal(503, 'volume update only valid for cluster volumes, but swarm is unavailable') },
  }),
  endpoint({
    name: 'VolumeRemove', route: 'DELETE /volumes/:name{.+}', query: { force: flag() },
    answer: remove,
  }),
]

async function list(call: Call<{ filters: string | undefined }>): Promise<unknown[]> {
  const filters = parseFilters(call.query.filters, volumeFilterKeys)
  const used = filters.has('dangling') ? await usedVolumes(call) : undefined
  const matches = volumeMatcher(filters, { used })
  return (await ownVolumes(call)).filter(matches)
}

/** Creating an existing volume answers with it, whatever the options (moby, volume/service). */
async function create(call: Call<unknown, VolumeCreate>) {
  const anonymous = !call.body.Name
  const labels = anonymous ? { ...call.body.Labels, [anonymousLabel]: '' } : call.body.Labels
  const volume = await ensureVolume(call as Call, call.body.Name || call.randomHex(), { ...call.body, Labels: labels })
  return { status: 201, body: presentVolume(await call.ask({ method: 'GET', path: at`/volumes/${volume.id}` }), volume) }
}

async function remove(call: Call<{ force: boolean }>) {
  const claim = await call.store.byName(call.ns, 'volume', call.term)
  if (claim?.id === undefined) {
    if (call.query.force) return { status: 204 }
    throw missing.volume(call.term)
  }
  await call.ask({ method: 'DELETE', path: at`/volumes/${claim.id}`, query: { force: call.query.force || undefined } })
  await call.store.release(call.ns, 'volume', claim.name)
  return { status: 204 }
}

async function prune(call: Call<{ filters: string | undefined }>) {
  const filters = parseFilters(call.query.filters, volumePruneFilterKeys)
  const all = pruneAllVolumes(filters) || compareVersions(call.version, '1.42') < 0
  const used = await usedVolumes(call)
  const unused = (await ownVolumes(call)).filter((volume) =>
    !used.has(volume.Name) && (all || volume.Labels?.[anonymousLabel] !== undefined) && matchPrune(filters, volume.Labels ?? {}, 0))
  const deleted: string[] = []
  for (const volume of unused) {
    const claim = await call.store.byName(call.ns, 'volume', volume.Name)
    if (claim?.id === undefined) continue
    if ((await call.host.call({ method: 'DELETE', path: at`/volumes/${claim.id}` })).status >= 300) continue
    await call.store.release(call.ns, 'volume', claim.name)
    deleted.push(volume.Name)
  }
  announcePrune(call as Call, 'volume', 0)
  return { VolumesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: 0 }
}
