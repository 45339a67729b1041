import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { Call } from '../endpoint.ts'
import { codes, GrpcError } from '../grpc.ts'
import { just } from './bridge.ts'
import { historyFilter } from './history-filter.ts'
import { ownBuild } from './large-errors.ts'
import { readAnswer, write } from './messages.ts'
import { showAnswer, type BuildWorld, type Served } from './method.ts'
import {
  BuildHistoryEventSchema, BuildHistoryRequestSchema, UpdateBuildHistoryRequestSchema, UpdateBuildHistoryResponseSchema,
  type BuildHistoryEvent, type BuildHistoryRecord,
} from './proto/control_pb.ts'
import { notAllowed } from './refusals.ts'
import { scopedId, unscopedId } from './scope.ts'

type Listen = Served<typeof BuildHistoryRequestSchema, typeof BuildHistoryEventSchema>

/**
 * `Control/ListenBuildHistory`: the namespace's own builds. Filters and limits are applied here: engines before 29.4 end when they get
 * one after a record was deleted (moby/buildkit#6598), whoever deleted it.
 */
export async function* listenHistory({ message, world, engine }: Listen): AsyncGenerator<BuildHistoryEvent> {
  const { call, scope } = world
  if (message.Limit < 0) throw new GrpcError(codes.invalidArgument, `invalid limit ${message.Limit}`)
  const matches = historyFilter(message.Filter, call.now)
  const unlisted = await unlistedRefs(call)
  const gathered: BuildHistoryEvent[] = []
  const request = create(BuildHistoryRequestSchema, { ActiveOnly: message.ActiveOnly, EarlyExit: message.EarlyExit, Ref: scopedId(scope.ns, message.Ref) })
  for await (const event of engine(request)) {
    const ref = unscopedId(scope.ns, event.record?.Ref ?? '')
    if (ref === undefined || ref.startsWith(ownBuild) || unlisted.has(ref)) continue
    await showEvent(event, world)
    if (!matches(event.record!)) continue
    if (message.EarlyExit && message.Limit > 0) gathered.push(event)
    else yield event
  }
  yield* gathered.toSorted((a, b) => startOf(b) - startOf(a)).slice(0, message.Limit)
}

function startOf({ record }: BuildHistoryEvent): number {
  return record?.CreatedAt === undefined ? 0 : timestampMs(record.CreatedAt)
}

/** Options that the gateway has set, and no client. */
const ours = new Set(['cgroup-parent', 'build-arg:BUILDKIT_CACHE_MOUNT_NS', 'cmdline', 'image-resolve-mode'])

async function showEvent(event: BuildHistoryEvent, world: BuildWorld): Promise<void> {
  const record = event.record!
  for (const { digest } of blobsOf(record)) world.blobs.add(digest)
  record.FrontendAttrs = Object.fromEntries(Object.entries(record.FrontendAttrs).filter(([key]) => !ours.has(key)))
  if (record.error) record.error.details = []
  await showAnswer(BuildHistoryEventSchema, event, world.scope)
}

/** Contents that a record names: logs, traces, attestations, results. */
function blobsOf({ logs, trace, externalError, Result, Results }: BuildHistoryRecord) {
  const results = [Result, ...Object.values(Results)].filter((result) => result !== undefined)
  const inside = results.flatMap(({ ResultDeprecated, Attestations, Results: all }) => [ResultDeprecated, ...Attestations, ...Object.values(all)])
  return [logs, trace, externalError, ...inside].filter((descriptor) => descriptor !== undefined)
}

/** Throws `notFound` for contents that no record of the namespace's history names; the history is looked up again before saying no. */
export async function requireBlob(world: BuildWorld, digest: string, signal: AbortSignal): Promise<void> {
  if (world.blobs.has(digest)) return
  const request = write(BuildHistoryRequestSchema, create(BuildHistoryRequestSchema, { EarlyExit: true }))
  for await (const bytes of world.channel.call({ method: 'moby.buildkit.v1.Control/ListenBuildHistory', metadata: {}, signal, requests: just(request) })) {
    const { record } = readAnswer(BuildHistoryEventSchema, bytes)
    if (record === undefined || unscopedId(world.scope.ns, record.Ref) === undefined) continue
    for (const blob of blobsOf(record)) world.blobs.add(blob.digest)
  }
  if (!world.blobs.has(digest)) throw new GrpcError(codes.notFound, `content ${digest}: not found`)
}

/** `Control/UpdateBuildHistory`: own builds. The engine keeps a deleted record until its garbage collection; the namespace does not see it. */
export async function* updateHistory({ message, world, forward }: Served<typeof UpdateBuildHistoryRequestSchema, typeof UpdateBuildHistoryResponseSchema>) {
  const { call, scope } = world
  const Ref = scopedId(scope.ns, message.Ref)
  if (message.Pinned) throw notAllowed('pinning a build record', 'it would stay on the engine for ever', 'export it with buildx history export')
  if (message.Delete) {
    const { outcome } = await call.store.reserve({ ns: call.ns, kind: 'reference', name: unlisted(message.Ref), limit: mostUnlisted })
    if (outcome === 'full') throw new GrpcError(codes.resourceExhausted, `more than ${mostUnlisted} references and deleted build records are not remembered for a namespace; records end by themselves`)
    yield create(UpdateBuildHistoryResponseSchema)
  } else {
    yield* forward(create(UpdateBuildHistoryRequestSchema, { Ref, Finalize: message.Finalize }))
  }
}

/** Names of images count too, of which nobody has so many. */
const mostUnlisted = 20_000

/** Remembered as a reservation whose name no reference can have. */
const unlisted = (ref: string) => `unlisted build ${ref}`

async function unlistedRefs({ store, ns }: Pick<Call, 'store' | 'ns'>): Promise<Set<string>> {
  const marks = (await store.reservations(ns)).filter(({ kind, name }) => kind === 'reference' && name.startsWith(unlisted('')))
  return new Set(marks.map(({ name }) => name.slice(unlisted('').length)))
}
