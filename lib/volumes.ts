import type { Call } from './endpoint.ts'
import { at } from './engine-path.ts'
import type { Claim } from './store.ts'

/** The label the engine puts on volumes it named itself. */
export const anonymousLabel = 'com.docker.volume.anonymous'

/** A volume as the engine shows it, in job names. */
export interface Volume {
  Name: string
  Driver?: string
  Mountpoint: string
  Labels: Record<string, string> | null
  CreatedAt?: string
}

/** A volume as a private engine would show it: below the usual data root, with no labels as the job wrote it. */
export function presentVolume(volume: Volume, claim?: Pick<Claim, 'facts'>): Volume {
  const labels = volume.Labels && Object.keys(volume.Labels).length > 0 ? volume.Labels : (claim?.facts.labels ?? null) as Volume['Labels']
  return { ...volume, Labels: labels, Mountpoint: `/var/lib/docker/volumes/${volume.Name}/_data` }
}

/** The namespace's volumes as the engine lists them, in job names. */
export async function ownVolumes(call: Call): Promise<Volume[]> {
  const claims = await call.store.claims(call.ns, 'volume')
  if (claims.length === 0) return []
  const names = claims.map((claim) => claim.name)
  const anonymous = names.filter((name) => /^[0-9a-f]{64}$/.test(name))
  const answer = await call.ask({ method: 'GET', path: at`/volumes`, query: { filters: JSON.stringify({ name: [`^${call.ns}\\.`, ...anonymous] }) } })
  const own = new Map(claims.map((claim) => [claim.name, claim]))
  return ((answer.Volumes ?? []) as Volume[]).filter((volume) => own.has(volume.Name)).map((volume) => presentVolume(volume, own.get(volume.Name)))
}

/** Names of the own volumes that some own container mounts, running or not. */
export async function usedVolumes(call: Call): Promise<Set<string>> {
  const ids = (await call.store.claims(call.ns, 'container')).map((claim) => claim.id!)
  if (ids.length === 0) return new Set()
  const containers: any[] = await call.ask({ method: 'GET', path: at`/containers/json`, query: { all: true, filters: JSON.stringify({ id: ids }) } })
  return new Set(containers.flatMap((one) => one.Mounts ?? []).map((mount: { Name?: string }) => mount.Name ?? ''))
}
