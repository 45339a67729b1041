/**
 * gRPC as the mediation of BuildKit sees it: calls with metadata and whole messages, whatever carries them.
 * The messages are bytes here; who serves a method decodes them.
 */

/** Metadata by lower-case name, repeated values kept apart. Names ending in `-bin` hold base64 text. */
export type Metadata = Readonly<Record<string, readonly string[]>>

/** Status codes in use (grpc/grpc, doc/statuscodes.md). */
export const codes = {
  cancelled: 1, unknown: 2, invalidArgument: 3, notFound: 5, permissionDenied: 7, resourceExhausted: 8, failedPrecondition: 9,
  unimplemented: 12, internal: 13, unavailable: 14,
} as const

/** The end of a call that is not OK. `details` is a serialised google.rpc.Status; `cause` what it was made of. */
export class GrpcError extends Error {
  readonly code: number
  readonly details: Uint8Array | undefined

  constructor(code: number, message: string, details?: Uint8Array, cause?: unknown) {
    super(message, { cause })
    this.name = 'GrpcError'
    this.code = code
    this.details = details
  }
}

/** One call as its server sees it. */
export interface Rpc {
  /** `package.Service/Method` */
  readonly method: string
  readonly metadata: Metadata
  /** The caller's messages; a unary call has one. Fails when the caller is gone or sends what cannot be read. */
  readonly requests: AsyncIterable<Uint8Array>
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal
}

/** Serves calls: yields the answers, throws a GrpcError for any other end than OK. */
export type GrpcService = (rpc: Rpc) => AsyncIterable<Uint8Array>

/** A message, or its pieces in their order: what is large need not be copied together to be sent. */
export type GrpcMessage = Uint8Array | readonly Uint8Array[]

/** A service whose answers go out as they are: nobody on this side reads them. */
export type GrpcSender = (rpc: Rpc) => AsyncIterable<GrpcMessage>

/** A connection to a gRPC server. */
export interface GrpcChannel {
  /** One call. Yields the answers and throws the server's GrpcError; `unavailable` when the connection is lost. Leaving the loop cancels it. */
  call(rpc: Rpc): AsyncIterable<Uint8Array>
  /** Aborted when the connection is closed by either side. */
  readonly closed: AbortSignal
  close(): void
}
