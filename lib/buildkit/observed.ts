import { create } from '@bufbuild/protobuf'
import { storedRegistry } from '../names.ts'
import { permit, permitRegistry, unlisted, type Policy } from '../policy.ts'
import { parseReference } from '../reference.ts'
import { forbidden } from '../refusal.ts'
import { just } from './bridge.ts'
import { readAnswer, write } from './messages.ts'
import type { BuildWorld } from './method.ts'
import { StatusRequestSchema, StatusResponseSchema } from './proto/control_pb.ts'
import { fetchedByEngine, type Sources } from './sources.ts'

/**
 * What a build took in that its policy would have refused. The engine judges sources by itself, as it comes to them, so a policy that only observes
 * lets all be taken that any policy could allow, and the gateway reads from the build's progress what was (moby/buildkit, frontend/dockerfile/dockerfile2llb,
 * which names its steps). What is not read there is not reported; it is never a matter of what is allowed.
 */
export function observeSources({ channel }: Pick<BuildWorld, 'channel'>, ref: string, sources: Sources, signal: AbortSignal): Observing {
  if (sources.policy.notice === undefined) return { end: async () => {} }
  const over = new AbortController()
  const policy = withoutRepetition(sources.policy)
  const watching = (async () => {
    const requests = just(write(StatusRequestSchema, create(StatusRequestSchema, { Ref: ref })))
    const steps = channel.call({ method: 'moby.buildkit.v1.Control/Status', metadata: {}, signal: AbortSignal.any([over.signal, signal]), requests })
    for await (const bytes of steps) {
      for (const { name } of readAnswer(StatusResponseSchema, bytes).vertexes) report(name, { ...sources, policy })
    }
  })().catch(() => {})
  return {
    async end(failed) {
      if (failed) over.abort()
      await watching
    },
  }
}

export interface Observing {
  /** Waits for the rest of the progress, which the engine ends with the build; that of a build that failed may never have begun. */
  end(failed: boolean): Promise<void>
}

/** Sources of one build that are reported. */
const most = 100

/** Steps are told again and again as they go on. */
function withoutRepetition(policy: Policy): Policy {
  const told = new Set<string>()
  return {
    ...policy,
    notice(refusal) {
      if (told.has(refusal.message) || told.size >= most) return
      told.add(refusal.message)
      policy.notice!(refusal)
    },
  }
}

function report(step: string, { own, policy }: Sources): void {
  const image = /^(?:\[internal\] load metadata for |docker-image:\/\/)(\S+)$/.exec(step)?.[1]
  if (image !== undefined && !image.startsWith(`${storedRegistry}/`) && own(image) === undefined) reportImage(image, policy)
  const remote = /^(?:\[[^\]]*\] (?:ADD|load git source) .*?)?((?:https?|git):\/\/[^\s#]+)/.exec(step)?.[1]
  if (remote === undefined || remote.includes('://buildkit-session/') || policy.build.remote) return
  permit(policy, forbidden(fetchedByEngine(remote), { path: 'build.remote', value: true }))
}

function reportImage(image: string, policy: Policy): void {
  const { domain } = parseReference(image)
  permitRegistry(policy, domain, unlisted(policy, domain))
}
