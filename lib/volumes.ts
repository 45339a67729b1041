import type { Call } from './endpoint.ts'

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

/** A volume as a private engine would show it: below the usual data root, with `null` for no labels. */
export function presentVolume(volume: Volume): Volume {
  const labels = volume.Labels && Object.keys(volume.Labels).length > 0 ? volume.Labels : null
  return { ...volume, Labels: labels, Mountpoint: `/var/lib/docker/volumes/${volume.Name}/_data` }
}

/** The namespace's volumes as the engine lists them, in job names. */
export async function ownVolumes(call: Call): Promise<Volume[]> {
  const claims = await call.store.claims(call.ns, 'volume')
  if (claims.length === 0) return []
  const names = claims.map((claim) => claim.name)
  const anonymous = names.filter((name) => /^[0-9a-f]{64}$/.test(name))
  const answer = await call.ask({ method: 'GET', path: '/volumes', query: { filters: JSON.stringify({ name: [`^${call.ns}\\.`, ...anonymous] }) } })
  const own = new Set(names)
  return ((answer.Volumes ?? []) as Volume[]).filter((volume) => own.has(volume.Name)).map(presentVolume)
}

/** Names of the own volumes that some own container mounts, running or not. */
export async function usedVolumes(call: Call): Promise<Set<string>> {
  const ids = (await call.store.claims(call.ns, 'container')).map((claim) => claim.id!)
  if (ids.length === 0) return new Set()
  const containers: any[] = await call.ask({ method: 'GET', path: '/containers/json', query: { all: true, filters: JSON.stringify({ id: ids }) } })
  return new Set(containers.flatMap((one) => one.Mounts ?? []).map((mount: { Name?: string }) => mount.Name ?? ''))
}
