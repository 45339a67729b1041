import { create } from '@bufbuild/protobuf'
import type { Call } from '../endpoint.ts'
import { codes, GrpcError, type GrpcChannel } from '../grpc.ts'
import { just } from './bridge.ts'
import { readAnswer, write } from './messages.ts'
import type { BegunBuild, BuildWorld } from './method.ts'
import { BuildHistoryEventSchema, BuildHistoryRequestSchema, SolveRequestSchema as ControlRequestSchema } from './proto/control_pb.ts'
import type { SolveRequest } from './proto/gateway_pb.ts'
import { sourcePolicy, type Sources } from './sources.ts'

/**
 * Engines tell why a build failed in HTTP/2 trailers, the whole Dockerfile beside it. From some 45 KB on, HTTP/2 libraries that guard against
 * floods of headers (nghttp2) take that for an attack and give the connection up. The reason is in the build's record too, as a message.
 */

/** Builds of the gateway's own, which no history shows. */
export const ownBuild = 'moorage-'

/** Why a build failed whose connection was lost: by its record, or by its frontend, whose failure cancels it. `ref`: the engine's. */
export async function lostError(call: Pick<Call, 'host'>, ref: string, build: BegunBuild, lost: unknown): Promise<unknown> {
  if (!isLost(lost)) return lost
  const recorded = await recordedError(call, ref)
  const cancelled = recorded === undefined || recorded.code === codes.cancelled
  return (cancelled ? await build.reason : recorded) ?? lost
}

function recordedError(call: Pick<Call, 'host'>, ref: string): Promise<GrpcError | undefined> {
  return withChannel(call, (channel) => errorIn(channel, ref)).catch(() => undefined)
}

function isLost(error: unknown): boolean {
  return error instanceof GrpcError && error.code === codes.unavailable
}

async function withChannel<T>({ host }: Pick<Call, 'host'>, work: (channel: GrpcChannel) => Promise<T>): Promise<T> {
  const channel = await host.channel()
  try {
    return await work(channel)
  } finally {
    channel.close()
  }
}

async function errorIn(channel: GrpcChannel, ref: string): Promise<GrpcError | undefined> {
  const request = write(BuildHistoryRequestSchema, create(BuildHistoryRequestSchema, { Ref: ref, EarlyExit: true }))
  for await (const bytes of channel.call({ method: 'moby.buildkit.v1.Control/ListenBuildHistory', metadata: {}, signal: channel.closed, requests: just(request) })) {
    const { record } = readAnswer(BuildHistoryEventSchema, bytes)
    if (record?.CompletedAt && record.error) return new GrpcError(record.error.code, record.error.message)
  }
  return undefined
}

/** The same for a frontend: its Dockerfile is parsed once more, in a build of the gateway's own, for the reason to be recorded. */
export async function parseError(world: BuildWorld, request: SolveRequest, sources: Sources, build: BegunBuild | undefined, lost: unknown): Promise<unknown> {
  if (!isLost(lost) || build === undefined || request.Frontend === '') return lost
  build.reason = parsedAgain(world, request, sources, build.session)
  return await build.reason ?? lost
}

async function parsedAgain({ call, scope }: BuildWorld, request: SolveRequest, sources: Sources, session: string): Promise<GrpcError | undefined> {
  const Ref = `${scope.ns}.${ownBuild}${call.randomHex().slice(0, 32)}`
  const again = write(ControlRequestSchema, create(ControlRequestSchema, {
    Ref, Session: session, Frontend: request.Frontend, FrontendAttrs: { ...request.FrontendOpt, requestid: 'frontend.targets' }, FrontendInputs: request.FrontendInputs,
    SourcePolicy: sourcePolicy(sources),
  }))
  const parsed = await withChannel(call, async (channel) => {
    for await (const _ of channel.call({ method: 'moby.buildkit.v1.Control/Solve', metadata: {}, signal: channel.closed, requests: just(again) }));
    return true
  }).catch(() => false)
  return parsed ? undefined : recordedError(call, Ref)
}
