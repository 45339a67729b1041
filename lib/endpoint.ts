import type { Connection, EngineAnswer, EngineRequest, Host } from './engine.ts'
import type { GrpcChannel, GrpcService } from './grpc.ts'
import type { JobSockets } from './job-sockets.ts'
import type { Policy } from './policy.ts'
import type { PortRelay } from './ports.ts'
import type { QueryFields, QueryOf } from './query.ts'
import type { Refusal } from './refusal.ts'
import type { Resolver } from './resolve.ts'
import type { Claim, Facts, Kind, Namespace, Store } from './store.ts'

/** Kinds a path parameter can name. */
export type OwnedKind = 'container' | 'exec' | 'network' | 'volume' | 'image'

/** One call, identified, resolved and parsed: everything a row may know. */
export interface Call<Q = Record<string, unknown>, B = unknown> {
  readonly ns: string
  readonly namespace: Namespace
  readonly policy: Policy
  readonly host: Host
  readonly store: Store
  /** API version the client speaks, e.g. `1.51`. */
  readonly version: string
  readonly connection: Connection
  readonly resolve: Resolver
  readonly ports: PortRelay
  readonly jobSockets: JobSockets
  /** Milliseconds since the epoch, when the call arrived. */
  readonly now: number
  /** W3C trace context the engine is asked with. */
  readonly trace: string | undefined
  /** A fresh random hex string of 64 characters, for names the engine would otherwise choose. */
  randomHex(): string
  /** The job's string in the path, '' on rows without one. */
  readonly term: string
  /** The engine id (volumes: stored name) that `term` resolved to, '' on rows that own nothing. */
  readonly id: string
  /** The claim `term` resolved to; its name is the job name. */
  readonly claim: Claim | undefined
  readonly query: Q
  readonly body: B
  /** One call to the engine for this client: unversioned requests get the client's version; cancelled when the client is gone. */
  engine(request: EngineRequest): Promise<EngineAnswer>
  /** Tells audit and metrics what was refused inside a call that itself goes on. `endpoint`: a row, or a method of BuildKit. */
  refused(endpoint: string, refusal: Refusal): void
  /** The same, parsed and in job names; an engine error is thrown as a Refusal in the job's words. */
  ask(request: EngineRequest): Promise<any>
}

/** What goes to the engine. */
export interface Plan extends Omit<EngineRequest, 'method'> {
  method?: EngineRequest['method']
  /** A name to take in the store before the engine is asked; released again when the engine refuses. */
  reserve?: Reserve
}

/** A name to take: `taken` makes the refusal when it is in use, `held` says that the plan has taken it already. */
export interface Reserve {
  kind: Kind
  name: string
  facts?: Facts
  /** Ports that a container publishes; counted over the namespace. */
  size?: number
  held?: boolean
  taken: (claim: Claim) => Error
}

/** An answer the gateway makes itself. `body`: JSON value; a string is sent as plain text; undefined sends none. */
export interface Reply {
  status: number
  body?: unknown
  headers?: Record<string, string>
  /** JSON values sent one by one as they come, instead of `body`. */
  lines?: AsyncIterable<unknown>
  /** What ends each of them; a line feed when absent. */
  lineEnd?: string
  /** Bytes sent as they come, instead of `body`; with a `Content-Type` header. */
  bytes?: AsyncIterable<Uint8Array>
}

/**
 * A row of the whitelist. `plan` rows go to the engine, `answer` rows are made here from claims.
 *
 * @property route     method and unversioned path, parameters as `:name`, `:name{.+}` swallows slashes
 * @property owns      what the path parameter names; it is resolved inside the namespace or answered as missing
 * @property unknown   the missing answer where the engine's differs from the usual one of the kind
 * @property body      how the JSON body is read; absent means the body is not read
 * @property bodyNeeded  a request without a body is an error, as the engine has it
 * @property travels   how the answer goes back: parsed JSON (default), raw bytes, JSON values line by line, or a hijacked connection
 * @property upload    the client's body goes to the engine as it arrives
 * @property serves    the connection becomes a gRPC server of this, with a channel to the engine's BuildKit beside it
 * @property claims    what a successful answer makes the namespace's own, beyond the reserved name
 * @property releases  a successful answer ends the claim the path named
 * @property present   structural changes to a parsed answer, which is already in job names
 */
export interface Endpoint<F extends QueryFields = any, B = any> {
  name: string
  route: `${'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'} /${string}`
  owns?: OwnedKind
  unknown?: (term: string, query: QueryOf<F>) => Error | Reply
  query?: F
  body?: (bytes: Uint8Array, policy: Policy) => B
  firstValueOnly?: boolean
  bodyNeeded?: boolean
  plan?: (call: Call<QueryOf<F>, B>) => Plan | Promise<Plan>
  answer?: (call: Call<QueryOf<F>, B>) => Reply | Promise<Reply>
  travels?: 'json' | 'raw' | 'lines' | 'hijack' | ((call: Call<QueryOf<F>, B>) => 'json' | 'raw' | 'lines' | 'hijack')
  upload?: boolean
  serves?: (call: Call<QueryOf<F>, B>, channel: GrpcChannel) => Promise<GrpcService>
  claims?: (answer: any, call: Call<QueryOf<F>, B>, plan: Plan) => void | Promise<void>
  releases?: boolean
  present?: (answer: any, call: Call<QueryOf<F>, B>) => unknown | Promise<unknown>
}

/** Types a row by its own query fields and body. */
export function endpoint<F extends QueryFields, B = undefined>(row: Endpoint<F, B>): Endpoint {
  return row
}
