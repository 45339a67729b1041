import type { Call } from '../endpoint.ts'
import { at } from '../engine-path.ts'
import { Refusal } from '../refusal.ts'
import { presentVolume, type Volume } from '../volumes.ts'

/** Kinds `GET /system/df` can be asked for. */
const kinds = ['container', 'image', 'volume', 'build-cache']

/** The kinds wanted; all when none is named. Throws the engine's 400 for an unknown one. */
export function wantedKinds(types: readonly string[]): ReadonlySet<string> {
  const unknown = types.find((type) => !kinds.includes(type))
  if (unknown !== undefined) throw new Refusal(400, `unknown object type: ${unknown}`)
  return new Set(types.length === 0 ? kinds : types)
}

/** Own volumes with their sizes. The engine measures all of them; a reference counts for own containers only, as only they can use it. */
export async function volumeUsage(call: Call): Promise<Volume[]> {
  const claims = await call.store.claims(call.ns, 'volume')
  if (claims.length === 0) return []
  const own = new Map(claims.map((claim) => [claim.name, claim]))
  const usage = await call.ask({ method: 'GET', path: at`/system/df`, query: { type: 'volume' } })
  return ((usage.Volumes ?? []) as Volume[]).filter((volume) => own.has(volume.Name)).map((volume) => presentVolume(volume, own.get(volume.Name)))
}
