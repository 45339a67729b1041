import { create } from '@bufbuild/protobuf'
import { GrpcError, codes } from '../grpc.ts'
import { beginBuild } from './at-once.ts'
import { claimBuilt, claimLeft } from './built.ts'
import { driven } from './drive.ts'
import { pusher, requireBuildKit } from './engine.ts'
import { judgeCacheOptions, judgeCaches, judgeExporters, type Exported, type Pushing } from './exporters.ts'
import { frontendOf } from './frontends.ts'
import { lostError } from './large-errors.ts'
import { judgeDefinition } from './llb.ts'
import type { BegunBuild, Served } from './method.ts'
import { observeSources } from './observed.ts'
import { judgeOptions } from './options.ts'
import { sourcesOf } from './own-images.ts'
import { CacheOptionsSchema, ExporterSchema, SolveRequestSchema, type CacheOptions, type Exporter, type SolveRequest, type SolveResponse, type SolveResponseSchema } from './proto/control_pb.ts'
import { notAllowed } from './refusals.ts'
import { scopedId, type Scope } from './scope.ts'
import { sourcePolicy, type Sources } from './sources.ts'

type Solve = Served<typeof SolveRequestSchema, typeof SolveResponseSchema>

/** `Control/Solve`: one build, from its beginning to its end. What it leaves on the engine is the namespace's before the client hears of it. */
export async function* solve(served: Solve): AsyncGenerator<SolveResponse> {
  const { call } = served.world
  requireBuildKit(call.host)
  const end = beginBuild(call)
  try {
    yield* solved(served)
  } finally {
    end()
  }
}

async function* solved({ message, world, signal, forward }: Solve): AsyncGenerator<SolveResponse> {
  const { call, scope } = world
  const sources = await sourcesOf(call)
  const { request, exported } = await judgeSolve(message, scope, sources, { by: pusher(call.host), policy: call.policy })
  let [heard, failed] = [false, false]
  const build: BegunBuild = { session: request.Session }
  world.builds.set(request.Ref, build)
  const observing = observeSources(world, request.Ref, sources, signal)
  try {
    const fromRegistry = message.FrontendAttrs['image-resolve-mode'] === 'pull'
    const responses = request.Frontend === '' ? forward(request) : driven(request, sources, world, { fromRegistry, signal, forward })
    for await (const response of responses) {
      heard = true
      await claimBuilt(call, exported, imageOf(response))
      yield response
    }
  } catch (error) {
    failed = true
    if (!heard) await claimLeft(call, exported)
    throw await lostError(call, request.Ref, build, error)
  } finally {
    await observing.end(failed || !heard)
    world.builds.delete(request.Ref)
  }
}

/**
 * The request that the engine gets instead of a client's: rebuilt from judged fields, so that what the gateway does not know is not in it
 * (moby/buildkit, api/services/control SolveRequest). Throws `Refusal` 403 naming what is not allowed, a GrpcError for what no client sends.
 */
async function judgeSolve(given: SolveRequest, scope: Scope, sources: Sources, pushing: Pushing): Promise<{ request: SolveRequest; exported: Exported }> {
  refuseFields(given)
  const { exporters, exported } = judgeExporters(exportersOf(given), scope, pushing)
  await judgeDefinition(given.Definition, scope, sources)
  for (const definition of Object.values(given.FrontendInputs)) await judgeDefinition(definition, scope, sources)
  const FrontendAttrs = judgeOptions(given.FrontendAttrs, scope, sources)
  judgeCacheOptions(FrontendAttrs, sources)
  const request = create(SolveRequestSchema, {
    Ref: requiredRef(given.Ref, scope), Session: scopedId(scope.ns, given.Session), Internal: given.Internal,
    Definition: given.Definition, FrontendInputs: given.FrontendInputs, Frontend: frontendOf(given.Frontend, given.FrontendAttrs), FrontendAttrs,
    Exporters: exporters, ...legacyExporter(exporters), Cache: cacheOf(given.Cache, sources), SourcePolicy: sourcePolicy(sources),
  })
  return { request, exported }
}

function requiredRef(ref: string, { ns }: Scope): string {
  if (ref === '') throw new GrpcError(codes.invalidArgument, 'a build needs a ref')
  return scopedId(ns, ref)
}

function refuseFields({ Entitlements, SourcePolicy, SourcePolicySession, ProxyNetwork }: SolveRequest): void {
  const [entitlement] = Entitlements
  if (entitlement !== undefined) throw notAllowed(`entitlement "${entitlement.slice(0, 60)}"`, 'it reaches beyond the build, to the engine\'s host', 'build without --allow and without --network host')
  if (SourcePolicy?.rules.length || SourcePolicySession !== '') throw notAllowed('a source policy of the client\'s own', 'the namespace has one', 'build without')
  if (ProxyNetwork) throw notAllowed('ProxyNetwork', 'this gateway does not know what it reaches', 'build without')
}

/** Clients say it twice: the old fields hold the first exporter once more (moby/buildkit, control/control.go). */
function exportersOf({ Exporters, ExporterDeprecated, ExporterAttrsDeprecated }: SolveRequest): Exporter[] {
  if (Exporters.length > 0 || ExporterDeprecated === '') return Exporters
  return [create(ExporterSchema, { Type: ExporterDeprecated, Attrs: ExporterAttrsDeprecated })]
}

/** BuildKit before 0.13 (Engine 26) looks for its one exporter in other fields; newer ones prefer the list. */
function legacyExporter([exporter, ...more]: readonly Exporter[]): Pick<SolveRequest, 'ExporterDeprecated' | 'ExporterAttrsDeprecated'> | undefined {
  return exporter === undefined || more.length > 0 ? undefined : { ExporterDeprecated: exporter.Type, ExporterAttrsDeprecated: exporter.Attrs }
}

function cacheOf(cache: CacheOptions | undefined, sources: Sources): CacheOptions | undefined {
  if (cache === undefined) return undefined
  const imports = [...cache.Imports, ...cache.ImportRefsDeprecated.map((ref) => ({ Type: 'registry', Attrs: { ref } }))]
  const exports = cache.ExportRefDeprecated === '' || cache.Exports.length > 0 ? cache.Exports
    : [{ Type: 'registry', Attrs: { ...cache.ExportAttrsDeprecated, ref: cache.ExportRefDeprecated } }]
  return create(CacheOptionsSchema, { Imports: judgeCaches(imports, sources), Exports: judgeCaches(exports, sources) })
}

/** The image a build has made, as the engine knows it. */
function imageOf({ ExporterResponse }: SolveResponse): string | undefined {
  const id = ExporterResponse['containerimage.digest']
  return id !== undefined && /^sha256:[0-9a-f]{64}$/.test(id) ? id : undefined
}
