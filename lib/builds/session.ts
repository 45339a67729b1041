import { create } from '@bufbuild/protobuf'
import { readRequest, write } from '../buildkit/messages.ts'
import { CredentialsRequestSchema, CredentialsResponseSchema } from '../buildkit/proto/auth_pb.ts'
import type { GrpcMessage, GrpcSender } from '../grpc.ts'
import type { AuthConfig } from '../schemas/auth.ts'
import type { Context } from './context.ts'

/** Bytes of context in one message: enough that messages cost little, far below what one may have. */
const messageSize = 256 * 1024
/** Pieces of one message, however small they come. */
const messagePieces = 64

/** What an engine calls in the session of a build that the gateway runs (moby/buildkit, session/upload and session/auth). */
export function buildServices(context: Context | undefined, credentials: Readonly<Record<string, AuthConfig>>): Map<string, GrpcSender> {
  const services = new Map<string, GrpcSender>([['moby.filesync.v1.Auth/Credentials', credentialsService(credentials)]])
  if (context) services.set('moby.upload.v1.Upload/Pull', () => uploaded(context))
  return services
}

async function* uploaded(context: Context): AsyncGenerator<GrpcMessage> {
  let [held, size]: [Uint8Array[], number] = [[], 0]
  for await (const chunk of context.take()) {
    held.push(chunk)
    size += chunk.length
    if (size < messageSize && held.length < messagePieces) continue
    yield bytesMessage(held, size)
    ;[held, size] = [[], 0]
  }
  if (size > 0) yield bytesMessage(held, size)
}

/** A BytesMessage of these chunks. Its one field has the number 1: a tag, the length as a varint, the bytes. */
function bytesMessage(chunks: readonly Uint8Array[], size: number): GrpcMessage {
  const head = [0x0a]
  for (let left = size; ; left >>>= 7) {
    head.push(left > 0x7f ? (left & 0x7f) | 0x80 : left)
    if (left <= 0x7f) break
  }
  return [Uint8Array.from(head), ...chunks]
}

/** Docker Hub has three names: clients keep its credentials under an address of its index. */
const hub = ['docker.io', 'registry-1.docker.io', 'index.docker.io']

function credentialsService(given: Readonly<Record<string, AuthConfig>>): GrpcSender {
  const byHost = new Map(Object.entries(given).map(([address, config]) => [address.replace(/^https?:\/\//, '').split('/', 1)[0]!, config]))
  return async function* credentials({ requests }) {
    for await (const bytes of requests) {
      const { Host } = readRequest(CredentialsRequestSchema, bytes)
      const { username = '', password = '', identitytoken, auth } = (hub.includes(Host) ? hub : [Host]).map((host) => byHost.get(host)).find((one) => one !== undefined) ?? {}
      const [user, secret] = username === '' && auth ? decoded(auth) : [username, password]
      yield write(CredentialsResponseSchema, create(CredentialsResponseSchema, identitytoken ? { Secret: identitytoken } : { Username: user, Secret: secret }))
      return
    }
  }
}

/** `user:password` in base64, as old clients send it. */
function decoded(auth: string): [string, string] {
  try {
    const text = atob(auth)
    const colon = text.indexOf(':')
    return colon === -1 ? ['', ''] : [text.slice(0, colon), text.slice(colon + 1)]
  } catch {
    return ['', '']
  }
}
