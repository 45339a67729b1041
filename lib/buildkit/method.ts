import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import type { Call } from '../endpoint.ts'
import { Refusal } from '../refusal.ts'
import { codes, GrpcError, type GrpcChannel, type GrpcService, type Metadata, type Rpc } from '../grpc.ts'
import { buildIdName, just } from './bridge.ts'
import { readAnswer, readRequest, rewriteStrings, write } from './messages.ts'
import { shownDetails } from './error-details.ts'
import { showDefinition } from './llb.ts'
import type { Definition } from './proto/ops_pb.ts'
import { asGrpc, refusalIn } from './refusals.ts'
import { buildText, scopedId, type Scope } from './scope.ts'

/** One connection of a namespace to BuildKit. */
export interface BuildWorld {
  call: Call
  channel: GrpcChannel
  scope: Scope
  /** Digests of contents that records of the namespace's history name, as far as they were seen on this connection. */
  blobs: Set<string>
  /** Builds that this connection has begun and not ended, by the engine's ref. */
  builds: Map<string, BegunBuild>
  /** Are its builds to be the classic builder's? Their Dockerfiles name images by ids too, and may name themselves in .dockerignore. */
  classic: boolean
}

export interface BegunBuild {
  /** The engine's id. */
  session: string
  /** Why its frontend failed, when that took the connection with it. */
  reason?: Promise<unknown>
}

/** A call that is being served: its message read and known, its metadata the namespace's. */
export interface Served<I extends DescMessage, O extends DescMessage> {
  message: MessageShape<I>
  /** What goes to the engine beside the message. */
  metadata: Metadata
  signal: AbortSignal
  world: BuildWorld
  /** Asks the engine and shows its answers in the job's words. */
  forward(message: MessageShape<I>): AsyncIterable<MessageShape<O>>
  /** Asks the engine; its answers are to be shown by `showAnswer` before they go anywhere. */
  engine(message: MessageShape<I>): AsyncIterable<MessageShape<O>>
}

/** A row of the whitelist of BuildKit's methods. `does`: what the gateway does with it, for people. */
export interface Method {
  name: string
  verdict: 'deny' | 'pass' | 'mediate'
  does: string
  serve(rpc: Rpc, world: BuildWorld): AsyncIterable<Uint8Array>
}

/** A method whose calls are refused, with the reason. */
export function deny(name: string, why: string): Method {
  return {
    name, verdict: 'deny', does: why,
    // eslint-disable-next-line require-yield
    async *serve() { throw new Refusal(403, `${name} is not served in this namespace: ${why}`, name) },
  }
}

/** A method whose message is taken, whatever it holds, and answered with an empty one; the engine hears nothing of it. */
export function swallow(name: string, does: string): Method {
  return {
    name, verdict: 'mediate', does,
    async *serve(rpc) {
      await only(rpc)
      yield new Uint8Array()
    },
  }
}

/** A method whose messages are read, known and written again, in the job's words on the way back. */
export function pass<I extends DescMessage, O extends DescMessage>(name: string, does: string, input: I, output: O): Method {
  return { ...mediate(name, does, input, output, ({ message, forward }) => forward(message)), verdict: 'pass' }
}

/** A method that is judged, rewritten or answered by the gateway. */
export function mediate<I extends DescMessage, O extends DescMessage>(name: string, does: string, input: I, output: O, answer: (served: Served<I, O>) => AsyncIterable<MessageShape<O>>): Method {
  return {
    name, verdict: 'mediate', does,
    async *serve(rpc, world) {
      const message = readRequest(input, await only(rpc))
      const metadata = metadataOf(rpc.metadata, world.scope.ns)
      const engine = (changed: MessageShape<I>) => asked(world.channel, { method: name, metadata, signal: rpc.signal, requests: just(write(input, changed)) }, output)
      const forward = (changed: MessageShape<I>) => shown(engine(changed), output, world.scope)
      for await (const one of answer({ message, metadata, signal: rpc.signal, world, forward, engine })) yield write(output, one)
    },
  }
}

async function* asked<O extends DescMessage>(channel: GrpcChannel, rpc: Rpc, output: O): AsyncGenerator<MessageShape<O>> {
  for await (const bytes of channel.call(rpc)) yield readAnswer(output, bytes)
}

async function* shown<O extends DescMessage>(answers: AsyncIterable<MessageShape<O>>, output: O, scope: Scope): AsyncGenerator<MessageShape<O>> {
  for await (const answer of answers) {
    await showAnswer(output, answer, scope)
    yield answer
  }
}

/** Every string of an answer in the job's words; LLB is rewritten as a whole, its texts being encoded. */
export async function showAnswer(schema: DescMessage, answer: unknown, scope: Scope): Promise<void> {
  const definitions: Definition[] = []
  rewriteStrings(schema, answer, (text) => buildText(scope, text), { 'pb.Definition': (definition) => { definitions.push(definition) } })
  for (const definition of definitions) await showDefinition(definition, scope)
}

/** The one message of a unary call. */
async function only({ requests }: Rpc): Promise<Uint8Array> {
  let message: Uint8Array | undefined
  for await (const bytes of requests) {
    if (message !== undefined) throw new GrpcError(codes.invalidArgument, 'this method takes one message')
    message = bytes
  }
  if (message === undefined) throw new GrpcError(codes.invalidArgument, 'this method takes a message')
  return message
}

/** Metadata that goes on to the engine: when and for which build. */
function metadataOf(given: Metadata, ns: string): Metadata {
  const metadata: Record<string, readonly string[]> = {}
  for (const name of ['grpc-timeout', 'buildkit-current-timestamp'] as const) if (given[name]?.length === 1) metadata[name] = given[name]
  const builds = given[buildIdName]
  if (builds !== undefined) metadata[buildIdName] = builds.map((id) => scopedId(ns, id))
  return metadata
}

/** Refusals of one connection that are told. */
const mostTold = 100

/**
 * Serves a namespace the methods of a table, and refuses every other. Errors are in the job's words. `onRefusal` hears once of everything that is
 * refused on this connection, and of which method.
 */
export function buildService(methods: ReadonlyMap<string, Method>, world: BuildWorld, onRefusal: (method: string, refusal: Refusal) => void = () => {}): GrpcService {
  const told = new Set<string>()
  const tell = (method: string, refusal: Refusal) => {
    if (told.has(refusal.message) || told.size >= mostTold) return
    told.add(refusal.message)
    onRefusal(method, refusal)
  }
  return async function* service(rpc) {
    const method = methods.get(rpc.method)
    try {
      if (method === undefined) throw new Refusal(403, `${rpc.method} is not served in this namespace: the gateway does not know what it does`, rpc.method)
      yield* method.serve(rpc, world)
    } catch (error) {
      const shown = shownError(error, world.scope)
      const refusal = refusalIn(shown, world.call.policy)
      if (refusal !== undefined) tell(method?.name ?? 'unknown', refusal)
      throw shown
    }
  }
}

function shownError(error: unknown, scope: Scope): unknown {
  if (error instanceof Refusal) return asGrpc(new Refusal(error.status, buildText(scope, error.message), error.field, {}, error.setting))
  if (!(error instanceof GrpcError)) return error
  return new GrpcError(error.code, buildText(scope, error.message), error.details && shownDetails(error.details, scope))
}
