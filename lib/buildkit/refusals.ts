import { codes, GrpcError } from '../grpc.ts'
import { permitRegistry, unlisted, type Policy } from '../policy.ts'
import { parseReference } from '../reference.ts'
import { forbidden, Refusal } from '../refusal.ts'
import { fetchedByEngine, permitSource } from './sources.ts'

/** A refusal by policy, in the words of all others: what, why, and what to do instead. */
export function notAllowed(field: string, why: string, instead: string): Refusal {
  return forbidden({ field, why, instead })
}

/** HTTP's kinds of refusal in gRPC's. */
const codeOf: Readonly<Record<number, number>> = {
  400: codes.invalidArgument, 401: codes.permissionDenied, 403: codes.permissionDenied, 404: codes.notFound, 413: codes.resourceExhausted,
  429: codes.resourceExhausted, 501: codes.unimplemented, 503: codes.unavailable,
}

/** Any refusal of the house as the end of a call; other errors stay what they are. */
export function asGrpc(error: unknown): unknown {
  return error instanceof Refusal ? new GrpcError(codeOf[error.status] ?? codes.unknown, error.message, undefined, error) : error
}

/** What was refused when a call ended so: by the gateway, or by the engine in its name; undefined for any other end. */
export function refusalIn(error: unknown, policy: Policy): Refusal | undefined {
  if (error instanceof Refusal) return error
  if (!(error instanceof GrpcError)) return undefined
  if (error.cause instanceof Refusal) return error.cause
  const source = denied.exec(error.message)?.[1]
  return source === undefined ? undefined : refusalOf(source, policy)
}

/** How the engine says that the source policy which it was given has no rule for a source (moby/buildkit, sourcepolicy/engine.go). */
const denied = /source "([^"\s]+)" (?:denied|not allowed) by policy/

function refusalOf(source: string, enforced: Policy): Refusal {
  const policy = { ...enforced, notice: undefined }
  try {
    if (source.startsWith('docker-image://')) {
      const { domain } = parseReference(source.slice('docker-image://'.length))
      permitRegistry(policy, domain, unlisted(policy, domain))
    } else permitSource(source, { policy }, fetchedByEngine(source))
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return error
  }
  // No policy could allow it.
  return forbidden(fetchedByEngine(source))
}
