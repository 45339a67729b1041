import { codes, GrpcError } from '../grpc.ts'
import { forbidden, Refusal } from '../refusal.ts'

/** A refusal by policy, in the words of all others: what, why, and what to do instead. */
export function notAllowed(field: string, why: string, instead: string): GrpcError {
  return new GrpcError(codes.permissionDenied, forbidden({ field, why, instead }).message)
}

/** HTTP's kinds of refusal in gRPC's. */
const codeOf: Readonly<Record<number, number>> = {
  400: codes.invalidArgument, 401: codes.permissionDenied, 403: codes.permissionDenied, 404: codes.notFound, 413: codes.resourceExhausted,
  429: codes.resourceExhausted, 501: codes.unimplemented, 503: codes.unavailable,
}

/** Any refusal of the house as the end of a call; other errors stay what they are. */
export function asGrpc(error: unknown): unknown {
  return error instanceof Refusal ? new GrpcError(codeOf[error.status] ?? codes.unknown, error.message) : error
}
