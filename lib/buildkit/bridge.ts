import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import type { GrpcChannel, Metadata } from '../grpc.ts'
import { readAnswer, write } from './messages.ts'
import {
  ReadFileRequestSchema, ReadFileResponseSchema, ResolveImageConfigRequestSchema, ResolveImageConfigResponseSchema, ReturnRequestSchema,
  ReturnResponseSchema, SolveRequestSchema, SolveResponseSchema, StatFileRequestSchema, StatFileResponseSchema, type ReadFileRequest,
  type ReadFileResponse, type ResolveImageConfigRequest, type ResolveImageConfigResponse, type ReturnRequest, type SolveRequest, type SolveResponse,
  type StatFileRequest, type StatFileResponse,
} from './proto/gateway_pb.ts'

/** The metadata that says which build a call of the LLBBridge belongs to (moby/buildkit, client/buildid). */
export const buildIdName = 'buildkit-controlapi-buildid'

/** The calls a frontend makes of the build it runs in (moby/buildkit, frontend/gateway/pb LLBBridge), as the gateway makes them itself. */
export interface Bridge {
  solve(request: SolveRequest): Promise<SolveResponse>
  config(request: ResolveImageConfigRequest): Promise<ResolveImageConfigResponse>
  readFile(request: ReadFileRequest): Promise<ReadFileResponse>
  statFile(request: StatFileRequest): Promise<StatFileResponse>
  finish(request: ReturnRequest): Promise<unknown>
}

/** `buildId`: the engine's id of a build that is under way or about to start; the engine waits three seconds for it. */
export function bridgeOf(channel: GrpcChannel, buildId: string, signal: AbortSignal): Bridge {
  const metadata = { [buildIdName]: [buildId] }
  const ask = <I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O) => (request: MessageShape<I>) =>
    unary(channel, { method: `moby.buildkit.v1.frontend.LLBBridge/${name}`, metadata, signal }, input, request, output)
  return {
    solve: ask('Solve', SolveRequestSchema, SolveResponseSchema),
    config: ask('ResolveImageConfig', ResolveImageConfigRequestSchema, ResolveImageConfigResponseSchema),
    readFile: ask('ReadFile', ReadFileRequestSchema, ReadFileResponseSchema),
    statFile: ask('StatFile', StatFileRequestSchema, StatFileResponseSchema),
    finish: ask('Return', ReturnRequestSchema, ReturnResponseSchema),
  }
}

/** One message for one message. Throws the server's GrpcError. */
export async function unary<I extends DescMessage, O extends DescMessage>(channel: GrpcChannel, to: { method: string; metadata: Metadata; signal: AbortSignal }, input: I, request: MessageShape<I>, output: O): Promise<MessageShape<O>> {
  let answer: MessageShape<O> | undefined
  for await (const message of channel.call({ ...to, requests: just(write(input, request)) })) answer = readAnswer(output, message)
  return answer ?? readAnswer(output, new Uint8Array())
}

/** One message. */
export async function* just(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message
}
