import { create } from '@bufbuild/protobuf'
import type { Served } from './method.ts'
import { sourcesOf } from './own-images.ts'
import { ResolveImageConfigRequestSchema, ResolveSourceMetaRequestSchema, type ResolveImageConfigResponseSchema, type ResolveSourceMetaResponseSchema } from './proto/gateway_pb.ts'
import { notAllowed } from './refusals.ts'
import { forbidden } from '../refusal.ts'
import { fetchedByEngine, permitSource } from './sources.ts'

/** `LLBBridge/ResolveImageConfig`: own images from the engine, all others from their registries. */
export async function* imageConfig({ message, world, forward }: Served<typeof ResolveImageConfigRequestSchema, typeof ResolveImageConfigResponseSchema>) {
  const sources = await sourcesOf(world.call)
  const own = sources.own(message.Ref)
  if (message.ResolverType !== 0) throw notAllowed('an OCI layout as a source', 'this gateway cannot tell whose it is', 'load the image and name it')
  yield* forward(create(ResolveImageConfigRequestSchema, {
    Ref: own?.stored ?? message.Ref, Platform: message.Platform, LogName: message.LogName, ResolveMode: own === undefined ? 'pull' : 'local',
  }))
}

/** `LLBBridge/ResolveSourceMeta`: the same, and what is known of other sources. */
export async function* sourceMeta({ message, world, forward }: Served<typeof ResolveSourceMetaRequestSchema, typeof ResolveSourceMetaResponseSchema>) {
  const sources = await sourcesOf(world.call)
  const identifier = message.Source?.identifier ?? ''
  if (identifier.startsWith('oci-layout:')) throw forbidden(fetchedByEngine(identifier))
  permitSource(identifier, sources, fetchedByEngine(identifier))
  const own = sources.own(identifier.replace(/^docker-image:\/\//, ''))
  yield* forward(create(ResolveSourceMetaRequestSchema, {
    Source: { identifier: own === undefined ? identifier : `docker-image://${own.stored}`, attrs: {} },
    Platform: message.Platform, LogName: message.LogName, ResolveMode: own === undefined ? 'pull' : 'local',
    Image: message.Image, Git: message.Git, HTTP: message.HTTP,
  }))
}
