import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import { diskUsage, prune, status, workers } from '../lib/buildkit/control.ts'
import { buildScope } from '../lib/buildkit/group.ts'
import { listenHistory, requireBlob, updateHistory } from '../lib/buildkit/history.ts'
import { frontendSolve } from '../lib/buildkit/frontend-solve.ts'
import { buildService, deny, mediate, pass, swallow, type BuildWorld, type Method, type Served } from '../lib/buildkit/method.ts'
import * as b from '../lib/buildkit/proto/content_pb.ts'
import * as c from '../lib/buildkit/proto/control_pb.ts'
import * as g from '../lib/buildkit/proto/gateway_pb.ts'
import { imageConfig, sourceMeta } from '../lib/buildkit/resolve.ts'
import { solve } from '../lib/buildkit/solve.ts'
import { tunnel } from '../lib/buildkit/tunnel.ts'
import type { Call } from '../lib/endpoint.ts'
import type { GrpcChannel, GrpcService } from '../lib/grpc.ts'

const control = 'moby.buildkit.v1.Control'
const content = 'containerd.services.content.v1.Content'
const bridge = 'moby.buildkit.v1.frontend.LLBBridge'

/** BuildKit's methods as the engine serves them (buildkit.md 1), and what becomes of each. What is not here is refused. */
const table: readonly Method[] = [
  mediate(`${control}/Solve`, 'ref, session, exports, options, caches and raw LLB are the namespace\'s; the source policy is ours; what is built is claimed', c.SolveRequestSchema, c.SolveResponseSchema, solve),
  mediate(`${control}/Status`, 'own refs only; names are shown as the job knows them', c.StatusRequestSchema, c.StatusResponseSchema, status),
  tunnel(`${control}/Session`, 'the session id and shared key are the namespace\'s; what is carried belongs to the client alone'),
  mediate(`${control}/ListWorkers`, 'without the host\'s name', c.ListWorkersRequestSchema, c.ListWorkersResponseSchema, workers),
  pass(`${control}/Info`, 'the version', c.InfoRequestSchema, c.InfoResponseSchema),
  mediate(`${control}/DiskUsage`, 'own cache mounts', c.DiskUsageRequestSchema, c.DiskUsageResponseSchema, diskUsage),
  mediate(`${control}/Prune`, 'own cache mounts', c.PruneRequestSchema, c.UsageRecordSchema, prune),
  mediate(`${control}/ListenBuildHistory`, 'own builds; filters and limits are applied here', c.BuildHistoryRequestSchema, c.BuildHistoryEventSchema, listenHistory),
  mediate(`${control}/UpdateBuildHistory`, 'own builds; a deleted one is not listed any more', c.UpdateBuildHistoryRequestSchema, c.UpdateBuildHistoryResponseSchema, updateHistory),

  mediate(`${bridge}/Solve`, 'options, raw LLB and caches as in Control/Solve; own images are named contexts', g.SolveRequestSchema, g.SolveResponseSchema, frontendSolve),
  mediate(`${bridge}/ResolveImageConfig`, 'own images from the engine, others from their registries', g.ResolveImageConfigRequestSchema, g.ResolveImageConfigResponseSchema, imageConfig),
  mediate(`${bridge}/ResolveSourceMeta`, 'own images from the engine, others from their registries', g.ResolveSourceMetaRequestSchema, g.ResolveSourceMetaResponseSchema, sourceMeta),
  pass(`${bridge}/ReadFile`, 'files of a result of the build', g.ReadFileRequestSchema, g.ReadFileResponseSchema),
  pass(`${bridge}/ReadDir`, 'files of a result of the build', g.ReadDirRequestSchema, g.ReadDirResponseSchema),
  pass(`${bridge}/StatFile`, 'files of a result of the build', g.StatFileRequestSchema, g.StatFileResponseSchema),
  pass(`${bridge}/Evaluate`, 'a result of the build', g.EvaluateRequestSchema, g.EvaluateResponseSchema),
  pass(`${bridge}/Ping`, 'capabilities', g.PingRequestSchema, g.PongResponseSchema),
  pass(`${bridge}/Return`, 'the result of the build, which its frontend is done with', g.ReturnRequestSchema, g.ReturnResponseSchema),
  pass(`${bridge}/Inputs`, 'the inputs of the build', g.InputsRequestSchema, g.InputsResponseSchema),
  pass(`${bridge}/Warn`, 'a warning beside the build\'s progress', g.WarnRequestSchema, g.WarnResponseSchema),
  ...['NewContainer', 'ReleaseContainer', 'ExecProcess', 'ReadFileContainer', 'ReadDirContainer', 'StatFileContainer'].map((name) =>
    deny(`${bridge}/${name}`, 'it runs programs beside the build, where its limits do not hold; use docker run')),

  swallow('opentelemetry.proto.collector.trace.v1.TraceService/Export', 'answered, and dropped: spans could be added to anybody\'s trace'),
  mediate(`${content}/Info`, 'what records of own builds name', b.InfoRequestSchema, b.InfoResponseSchema, blob),
  mediate(`${content}/Read`, 'what records of own builds name', b.ReadContentRequestSchema, b.ReadContentResponseSchema, blob),
  ...['List', 'Status', 'ListStatuses', 'Update', 'Delete', 'Write', 'Abort'].map((name) =>
    deny(`${content}/${name}`, 'the content store is everybody\'s')),
]

async function* blob<I extends DescMessage, O extends DescMessage>({ message, world, signal, forward }: Served<I, O>): AsyncGenerator<MessageShape<O>> {
  await requireBlob(world, (message as unknown as { digest: string }).digest, signal)
  yield* forward(message)
}

const methods: ReadonlyMap<string, Method> = new Map(table.map((method) => [method.name, method]))

/** What a namespace's clients may ask of BuildKit. */
export const buildkitMethods: readonly Method[] = table

/**
 * BuildKit as a namespace sees it, on a channel to the engine: for its clients, and for what the gateway builds on its behalf. `onRefusal` hears of
 * what is refused.
 */
export async function buildkitService(call: Call, channel: GrpcChannel, { classic = false, onRefusal }: Partial<Pick<BuildWorld, 'classic'>> & { onRefusal?: Call['refused'] } = {}): Promise<GrpcService> {
  const world: BuildWorld = { call, channel, scope: await buildScope(call), blobs: new Set(), builds: new Map(), classic }
  return buildService(methods, world, onRefusal)
}
