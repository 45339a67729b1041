import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { just } from '../lib/buildkit/bridge.ts'
import { readAnswer, write } from '../lib/buildkit/messages.ts'
import { ExporterSchema, SolveRequestSchema, SolveResponseSchema, StatusRequestSchema, StatusResponseSchema, type SolveResponse, type StatusResponse } from '../lib/buildkit/proto/control_pb.ts'
import { sessionMetadata } from '../lib/buildkit/session.ts'
import type { Call } from '../lib/endpoint.ts'
import { codes, GrpcError, type GrpcSender, type GrpcService, type Rpc } from '../lib/grpc.ts'
import { buildkitService } from './buildkit.ts'

/** What the gateway is to build for a namespace. */
export interface BuildOrder {
  /** Options of the Dockerfile frontend, as buildx would send them: `filename`, `target`, `build-arg:NAME`, `context` ... */
  options: Record<string, string>
  /** What the image is to be called, as the job wrote it; empty for an image without a name. */
  names: readonly string[]
  /** Caches to take layers from (`registry` with `ref`: an own image, or one in a registry). */
  cacheFrom?: readonly string[]
  /** What the engine may call in the session of this build, by `package.Service/Method`: the context's upload, credentials. */
  services: ReadonlyMap<string, GrpcSender>
  /** A session that the client itself has opened, which is used instead. */
  session?: string
  /** Is it to be as the classic builder would do it? */
  classic?: boolean
}

/** A build that is under way. */
export interface RunningBuild {
  /** Its progress, in the job's words, until it ends either way. To be read to the end: that is what lets go of the engine. */
  progress: AsyncIterable<StatusResponse>
  /** What the engine said at the end; fails with a GrpcError in the job's words. The image is the namespace's by then. */
  done: Promise<SolveResponse>
}

/** Asked by the engine every five seconds (grpc/grpc, doc/health-checking.md): field 1, SERVING. */
const healthMethod = 'grpc.health.v1.Health/Check'
const serving = Uint8Array.of(0x08, 0x01)

/**
 * Builds a Dockerfile on behalf of a namespace, under the same rules as its own clients: the request goes through the same table. Aborting
 * the signal cancels it. Throws `Refusal` 503 when the engine cannot be reached.
 */
export async function startBuild(call: Call, order: BuildOrder, signal: AbortSignal): Promise<RunningBuild> {
  const channel = await call.host.channel()
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const id = () => call.randomHex().slice(0, 25)
  const [ref, session] = [id(), order.session ?? id()]
  const headers = sessionMetadata(call.ns, sessionValues(session, [healthMethod, ...order.services.keys()]))
  let service: GrpcService
  try {
    service = await buildkitService(call, channel, order)
    if (order.session === undefined) await call.host.session(headers, sessionService(order.services), both)
  } catch (error) {
    channel.close()
    throw error
  }
  const ask = <I extends DescMessage>(method: string, input: I, message: MessageShape<I>): AsyncIterable<Uint8Array> =>
    service({ method: `moby.buildkit.v1.Control/${method}`, metadata: {}, requests: just(write(input, message)), signal: both } satisfies Rpc)
  const done = only(ask('Solve', SolveRequestSchema, create(SolveRequestSchema, {
    Ref: ref, Session: session, Frontend: 'dockerfile.v0', FrontendAttrs: order.options,
    Exporters: [create(ExporterSchema, { Type: 'moby', Attrs: order.names.length === 0 ? {} : { name: order.names.join(',') } })],
    Cache: { Imports: (order.cacheFrom ?? []).map((reference) => ({ Type: 'registry', Attrs: { ref: reference } })) },
  })))
  let told = false
  async function* progress(): AsyncGenerator<StatusResponse> {
    // The engine waits for builds that it has not heard of yet; of one that was refused here it never will.
    done.catch(() => { if (!told) over.abort() })
    try {
      for await (const bytes of ask('Status', StatusRequestSchema, create(StatusRequestSchema, { Ref: ref }))) {
        told = true
        yield readAnswer(StatusResponseSchema, bytes)
      }
    } catch (error) {
      if (!both.aborted && !(error instanceof GrpcError)) throw error
    } finally {
      await done.catch(() => {})
      over.abort()
      channel.close()
    }
  }
  return { progress: progress(), done }
}

async function only(answers: AsyncIterable<Uint8Array>): Promise<SolveResponse> {
  let answer: Uint8Array | undefined
  for await (const bytes of answers) answer = bytes
  return readAnswer(SolveResponseSchema, answer ?? new Uint8Array())
}

function sessionValues(uuid: string, methods: readonly string[]): (name: string) => readonly string[] {
  const values: Record<string, readonly string[]> = { uuid: [uuid], name: ['moorage'], sharedkey: [''], 'grpc-method': methods.map((method) => `/${method}`) }
  return (name) => values[name.replace('x-docker-expose-session-', '')] ?? []
}

function sessionService(services: ReadonlyMap<string, GrpcSender>): GrpcSender {
  return async function* serve(rpc) {
    if (rpc.method === healthMethod) return void (yield serving)
    const service = services.get(rpc.method)
    if (service === undefined) throw new GrpcError(codes.unimplemented, `${rpc.method} is not part of this session`)
    yield* service(rpc)
  }
}
