import type { Call } from '../endpoint.ts'
import { codes, GrpcError, type Metadata } from '../grpc.ts'
import { Refusal } from '../refusal.ts'
import { scopedId } from './scope.ts'

/**
 * What a client says of its session, in headers of `POST /session` or metadata of `Control/Session` (moby/buildkit, session/manager.go).
 * The id becomes the namespace's, and so does the key under which transferred folders are kept for the next transfer.
 */
const prefix = 'x-docker-expose-session-'
const maxMethods = 100

/** `values(name)`: what the client sent under a lower-case name. Throws a GrpcError for what no client sends. */
export function sessionMetadata(ns: string, values: (name: string) => readonly string[]): Metadata {
  const one = (name: string) => {
    const [value = '', ...more] = values(prefix + name)
    if (more.length > 0 || value.length > 1024 || /[^\x20-\x7e]/.test(value)) throw invalid(name)
    return value
  }
  const methods = values(`${prefix}grpc-method`).flatMap((value) => value.split(',')).map((value) => value.trim())
  if (methods.length > maxMethods || methods.some((method) => !/^\/[\w.]+\/\w+$/.test(method))) throw invalid('grpc-method')
  const uuid = one('uuid')
  if (uuid === '') throw invalid('uuid')
  const key = one('sharedkey')
  return {
    [`${prefix}uuid`]: [scopedId(ns, uuid)],
    [`${prefix}name`]: [one('name')],
    [`${prefix}sharedkey`]: [key === '' ? '' : `${ns}.${key}`],
    [`${prefix}grpc-method`]: methods,
  }
}

function invalid(name: string): GrpcError {
  return new GrpcError(codes.invalidArgument, `invalid ${prefix}${name}`)
}

/** The headers of `POST /session` for the engine. Repeated headers stay repeated: the engine does not split them at commas. */
export function sessionHeaders({ ns, connection }: Pick<Call, 'ns' | 'connection'>): Metadata {
  try {
    return sessionMetadata(ns, (name) => connection.headers(name))
  } catch (error) {
    throw error instanceof GrpcError ? new Refusal(400, error.message) : error
  }
}
