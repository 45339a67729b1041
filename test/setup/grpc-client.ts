import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { grpcChannel } from '../../infra/grpc/channel.ts'
import { readAnswer, write } from '../../lib/buildkit/messages.ts'
import { SolveRequestSchema, SolveResponseSchema } from '../../lib/buildkit/proto/control_pb.ts'
import { GrpcError, type GrpcChannel, type Metadata } from '../../lib/grpc.ts'

/** How a call ended: `code` 0 when all is well. */
export interface Ending<T> {
  code: number
  message: string
  answers: T[]
}

/** A gRPC client that sends what it is told, on a connection upgraded like BuildKit's clients'. */
export interface GrpcClient {
  channel: GrpcChannel
  socket: Duplex
  /** One message of a schema, and all answers. */
  ask<I extends DescMessage, O extends DescMessage>(method: string, input: I, message: MessageInitShape<I>, output: O, metadata?: Metadata): Promise<Ending<MessageShape<O>>>
  /** Bytes that may be anything. */
  send(method: string, messages: readonly Uint8Array[], metadata?: Metadata): Promise<Ending<Uint8Array>>
  close(): void
}

/** The socket of an upgraded connection, `/grpc` or `/session`, at a namespace's unix socket. */
export function upgraded(socketPath: string, path: string, headers: Record<string, string | string[]> = {}): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method: 'POST', path, headers: { ...headers, connection: 'Upgrade', upgrade: 'h2c' } })
    asked.on('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asked.on('response', (response) => {
      response.resume()
      reject(new Error(`${path} answered ${response.statusCode}`))
    })
    asked.on('error', reject).end()
  })
}

export const control = 'moby.buildkit.v1.Control'

/** A build's id as clients make them. */
export const buildId = (): string => randomBytes(12).toString('hex')

/** Solves by a client, with an id of its own unless the request has one. */
export const solver = (client: () => GrpcClient) => (request: object) =>
  client().ask(`${control}/Solve`, SolveRequestSchema, { Ref: buildId(), ...request }, SolveResponseSchema)

export async function grpcClient(socketPath: string): Promise<GrpcClient> {
  const socket = await upgraded(socketPath, '/grpc')
  const channel = grpcChannel(socket, 'moorage')
  const send: GrpcClient['send'] = async (method, messages, metadata = {}) => {
    const answers: Uint8Array[] = []
    try {
      for await (const answer of channel.call({ method, metadata, requests: each(messages), signal: channel.closed })) answers.push(answer)
      return { code: 0, message: '', answers }
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error
      return { code: error.code, message: error.message, answers }
    }
  }
  return {
    channel, socket, send,
    async ask(method, input, message, output, metadata) {
      const { answers, ...end } = await send(method, [write(input, create(input, message))], metadata)
      return { ...end, answers: answers.map((bytes) => readAnswer(output, bytes)) }
    },
    close: () => channel.close(),
  }
}

async function* each(messages: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* messages
}
