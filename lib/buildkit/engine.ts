import type { Host } from '../engine.ts'
import { codes, GrpcError } from '../grpc.ts'
import { hasContainerdStore } from '../images/containerd-store.ts'

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

/**
 * Who pushes what a build is told to push: with containerd's image store the engine does while it builds, with the older one clients do afterwards
 * (docker/buildx, build; moby, builder/builder-next/exporter/mobyexporter, which reads over it). Undefined on engines whose BuildKit, below 0.13,
 * knows one exporter, which would have to keep the image and push it under two names.
 */
export function pusher(host: Pick<Host, 'facts'>): 'client' | 'engine' | undefined {
  const facts = host.facts()
  if (!hasContainerdStore(facts)) return 'client'
  return Number.parseInt(facts.engineVersion, 10) >= 26 ? 'engine' : undefined
}
