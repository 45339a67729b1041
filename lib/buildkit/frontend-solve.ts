import { create } from '@bufbuild/protobuf'
import { bridgeOf, buildIdName, type Bridge } from './bridge.ts'
import { readConfigs } from './configs.ts'
import { contextsOf, stagesOf } from './contexts.ts'
import { judgeCacheOptions, judgeCaches } from './exporters.ts'
import { frontendOf } from './frontends.ts'
import { parseError } from './large-errors.ts'
import { judgeDefinition } from './llb.ts'
import type { BuildWorld, Served } from './method.ts'
import { judgeOptions } from './options.ts'
import { imagesById, sourcesOf } from './own-images.ts'
import { SolveRequestSchema, type SolveRequest, type SolveResponse, type SolveResponseSchema } from './proto/gateway_pb.ts'
import { notAllowed } from './refusals.ts'
import type { Sources } from './sources.ts'

type Solve = Served<typeof SolveRequestSchema, typeof SolveResponseSchema>

/** `LLBBridge/Solve`: a part of a build that a client directs. buildx sends every Dockerfile this way. */
export async function* frontendSolve({ message, metadata, signal, world, forward }: Solve): AsyncGenerator<SolveResponse> {
  const sources = await sourcesOf(world.call)
  const request = await judgeFrontendSolve(message, world, sources)
  // `--pull`: the user wants every image from its registry.
  const buildId = metadata[buildIdName]?.[0] ?? ''
  const build = world.builds.get(buildId)
  const fromRegistry = message.FrontendOpt['image-resolve-mode'] === 'pull'
  if (request.Frontend !== '' && !fromRegistry) await addOwnImages(request, sources, world, bridgeOf(world.channel, buildId, signal))
  try {
    yield* forward(request)
  } catch (error) {
    throw await parseError(world, request, sources, build, error)
  }
}

async function judgeFrontendSolve(given: SolveRequest, { scope }: BuildWorld, sources: Sources): Promise<SolveRequest> {
  if (given.SourcePolicies.some((policy) => policy.rules.length > 0)) throw notAllowed('a source policy of the client\'s own', 'the namespace has one', 'build without')
  await judgeDefinition(given.Definition, scope, sources)
  for (const definition of Object.values(given.FrontendInputs)) await judgeDefinition(definition, scope, sources)
  const Frontend = frontendOf(given.Frontend, given.FrontendOpt)
  const FrontendOpt = judgeOptions(given.FrontendOpt, scope, sources)
  judgeCacheOptions(FrontendOpt, sources)
  return create(SolveRequestSchema, {
    Definition: given.Definition, Frontend, FrontendOpt, FrontendInputs: given.FrontendInputs, CacheImports: judgeCaches(given.CacheImports, sources),
    allowResultReturn: given.allowResultReturn, allowResultArrayRef: given.allowResultArrayRef, Final: given.Final, Evaluate: given.Evaluate,
  })
}

/** Hands the namespace's own images to the Dockerfile. `bridge`: of the build, which reads the Dockerfile anyway. */
export async function addOwnImages(request: SolveRequest, sources: Sources, { call, classic }: BuildWorld, bridge: Bridge): Promise<void> {
  const { FrontendOpt: options, FrontendInputs: inputs } = request
  if ((sources.images.size === 0 && !classic) || /^frontend\.(targets|subrequests)/.test(options.requestid ?? '')) return
  // A Dockerfile that cannot be read now cannot be read later either, and that is where its errors are told.
  const stages = await stagesOf(bridge, request)
  if (stages === undefined) return
  const byId = classic ? await imagesById(call, sources, stages.bases) : new Map()
  const contexts = await contextsOf(sources, stages, byId, readConfigs(call), options)
  Object.assign(options, contexts.options)
  Object.assign(inputs, contexts.inputs)
}
