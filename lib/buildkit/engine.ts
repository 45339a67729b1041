import type { Host } from '../engine.ts'
import { codes, GrpcError } from '../grpc.ts'

/** Engines older than this have a BuildKit (below 0.11) that knows no source policy: it would read every image on the engine for everybody. */
const oldest = 24

/** Refuses builds on engines that cannot keep namespaces apart while building. */
export function requireBuildKit(host: Pick<Host, 'name' | 'facts'>): void {
  const reason = noBuilds(host)
  if (reason !== undefined) throw new GrpcError(codes.failedPrecondition, reason)
}

/** Why this engine cannot build for a namespace, undefined when it can. */
export function noBuilds(host: Pick<Host, 'name' | 'facts'>): string | undefined {
  const { engineVersion } = host.facts()
  if (Number.parseInt(engineVersion, 10) >= oldest) return undefined
  return `host ${host.name} runs Docker Engine ${engineVersion}, whose BuildKit has no source policy, so builds of different namespaces cannot be kept apart on it; `
    + `building needs Docker Engine ${oldest} or newer: build elsewhere and push, or ask the operator to upgrade the engine`
}
