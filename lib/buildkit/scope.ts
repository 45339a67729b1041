import { codes, GrpcError } from '../grpc.ts'
import { storedRegistry } from '../names.ts'
import { fromStored, normalised, parseReference } from '../reference.ts'

/**
 * What belongs to whom inside BuildKit, which has one space of builds, sessions and cache mounts for everybody: ids carry the
 * namespace in front, as stored names do. The mapping needs no memory, so it survives the gateway.
 */

/** What a namespace's builds stand on: whose they are and what keeps their caches apart. */
export interface Scope {
  ns: string
  /** The control group of every RUN step (absolute, secret): part of BuildKit's cache key, it keeps trust domains' layers apart. */
  group: string
  /** Put before the ids of cache mounts; one per trust domain. */
  cache: string
}

/** A lease is named after it, which takes 76 characters. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,57}$/

/** A ref, build id or session id as the engine gets it. Empty stays empty. Throws a GrpcError for ids no client makes. */
export function scopedId(ns: string, id: string): string {
  if (id === '') return ''
  if (!idPattern.test(id)) throw new GrpcError(codes.invalidArgument, `invalid id ${JSON.stringify(id.slice(0, 80))}: expected at most 58 letters, digits, - and _`)
  return `${ns}.${id}`
}

/** The client's id in one of the engine's, undefined for other namespaces'. */
export function unscopedId(ns: string, id: string): string | undefined {
  return id.startsWith(`${ns}.`) ? id.slice(ns.length + 1) : undefined
}

/** What BuildKit says, in the job's words: stored references as BuildKit writes references (`docker.io/library/app:latest`), ids without our prefix. */
export function buildText({ ns, cache, group }: Scope, text: string): string {
  if (!text.includes(ns) && !text.includes(cache) && !text.includes(group)) return text
  return text
    .replace(referencePattern(ns), (stored) => {
      const job = fromStored(ns, stored)
      if (job !== undefined) return normalised(parseReference(job))
      return stored.replace(`${storedRegistry}/${ns}/untagged:`, 'sha256:')
    })
    .replaceAll(`${ns}.`, '').replaceAll(`${cache}/`, '').replaceAll(group, '')
}

function referencePattern(ns: string): RegExp {
  return new RegExp(`${storedRegistry.replaceAll('.', '\\.')}/${ns}/[a-zA-Z0-9._/-]+(?::[a-zA-Z0-9._-]*[a-zA-Z0-9_])?(?:@sha256:[0-9a-f]{64})?`, 'g')
}
