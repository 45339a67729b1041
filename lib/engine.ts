import type { EnginePath } from './engine-path.ts'
import type { EngineEvent } from './events.ts'
import type { GrpcChannel, GrpcSender, GrpcService } from './grpc.ts'
import type { Turns } from './turns.ts'
import type { Policy } from './policy.ts'
import type { Namespace } from './store.ts'

/**
 * What the rest of the house needs from a Docker Engine and from the connection a request came in on.
 * The consumer declares it; `infra/` implements it for Node and for workerd.
 */

/** A request to an engine. Everything in it was written by the gateway; `path` holds only resolved ids and stored names. */
export interface EngineRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  path: EnginePath
  /** Undefined values are left out; lists repeat their key. */
  query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  /** A JSON value that a schema rebuilt. */
  body?: unknown
  /** Headers beyond the fixed set, e.g. `X-Registry-Auth`, rebuilt by the gateway; lists are sent as a header each. */
  headers?: Readonly<Record<string, string | readonly string[]>>
  /** The protocol a hijacked connection goes on with; `tcp` (raw bytes) when absent. */
  upgrade?: 'tcp' | 'h2c'
  /** API version to speak; the host's newest when absent. */
  version?: string
}

export interface EngineHead {
  status: number
  /** Lower-case names; the first value of each. */
  headers: Readonly<Record<string, string>>
}

export interface EngineAnswer extends EngineHead {
  text: string
}

export interface EngineStream extends EngineHead {
  body: AsyncIterable<Uint8Array>
}

/** What a host said of itself when it was last probed. */
export interface HostFacts {
  /** e.g. `28.5.2` */
  engineVersion: string
  /** Newest API version spoken through this gateway, e.g. `1.51`. */
  apiVersion: string
  /** Oldest API version spoken, e.g. `1.24`. */
  minApiVersion: string
  /** The engine's answers to `GET /version` and `GET /info`, parsed. */
  version: Readonly<Record<string, unknown>>
  info: Readonly<Record<string, unknown>>
  /** The engine's time of day, which has gone on since it told it: milliseconds since the epoch. */
  now(): number
}

/** What never changes about an image id: the engine's inspect answer without references, parsed. */
export type ImageFacts = Readonly<Record<string, any>>

/** Something that happened in a namespace, in job names, and that the engine does not tell so; the host adds the time. */
export interface Announcement {
  Type: 'container' | 'image' | 'network' | 'volume'
  Action: string
  Actor: { ID: string; Attributes: Record<string, string> }
}

/** The control groups of a host: what the processes of a namespace are limited by together. */
export interface ControlGroups {
  /**
   * The CgroupParent of a namespace's containers, which is there with the policy's limits; undefined where the host cannot have groups and
   * the operator can live with that. Throws `Refusal` 503 where he cannot.
   */
  containers(namespace: Namespace, policy: Policy): Promise<string | undefined>
  /**
   * The group above all RUN steps of a namespace's builds, as BuildKit takes it, and a token for the names of other caches. Both are the
   * same for those who share caches and for nobody else, also where groups have no limits. Throws as `containers` does.
   */
  builds(namespace: Namespace, policy: Policy): Promise<{ parent: string; caches: string }>
}

/** One engine of the pool. Every method throws `Refusal` 503 naming the host when the engine cannot be reached. */
export interface Host {
  readonly name: string
  facts(): HostFacts
  /** One call whose answer is held in memory. */
  call(request: EngineRequest, signal?: AbortSignal): Promise<EngineAnswer>
  /** One call whose answer (and request body, when `upload` is given) is a stream; aborting the signal cancels it on the engine. */
  stream(request: EngineRequest, options: { signal: AbortSignal; upload?: AsyncIterable<Uint8Array>; contentType?: string }): Promise<EngineStream>
  /** Normalised reference → image id of the images the operator shares on this host. */
  readonly shared: ReadonlyMap<string, string>
  /** The address of the host that published ports listen on; undefined when the gateway reaches none, and nothing is published. */
  readonly publishOn: string | undefined
  /** Has the host the gateway's files at the same paths? */
  readonly sharesFiles: boolean
  /**
   * The facts of an image, or undefined when the engine does not have it. Cached: an image id names its content.
   * `version` is the API version whose fields are wanted, the engine's newest when absent.
   */
  image(id: string, version?: string): Promise<ImageFacts | undefined>
  /** The config of an image as it is stored (OCI image configuration); `read` when it is not remembered. Cached: it never changes. */
  config(id: string, read: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined>
  /** Shows the namespace's watchers an event that the gateway made happen or the engine told in other words. */
  announce(ns: string, event: Announcement): void
  /** Events of a namespace in job names: remembered ones from `since` on (nanoseconds since the epoch), and those to come until the signal aborts. */
  watch(ns: string, signal: AbortSignal, since: bigint | undefined): Promise<AsyncIterable<EngineEvent>>
  /** The container an exec runs in, or undefined when the engine does not know the exec. Execs have no claims: their container owns them. */
  containerOfExec(exec: string): Promise<string | undefined>
  /** Remembers where an exec runs, to spare the question later. */
  learnExec(exec: string, container: string): void
  /** Opens a gRPC connection to the engine's BuildKit (`POST /grpc`). */
  channel(): Promise<GrpcChannel>
  /**
   * Opens a session with the engine's BuildKit (`POST /session`), in which the engine calls the services of the gateway.
   * `headers`: the X-Docker-Expose-Session-* set. Aborting the signal ends it.
   */
  session(headers: EngineRequest['headers'], service: GrpcSender, signal: AbortSignal): Promise<{ ended: Promise<void> }>
  readonly groups: ControlGroups
  /** Builds under way in this gateway whose clients gave them an id (`<ns>/<id>`), to cancel them by. */
  readonly builds: Map<string, AbortController>
  /** How many builds of each namespace are under way in this gateway, and of its sessions in messages. */
  readonly building: Map<string, number>
  /** Runs `work` while no other work with this key runs on this host, in this gateway. */
  exclusively<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Runs `work` when it is its turn on this host, over all gateways; costs the store some calls. `Turns.inTurn` says the rest. */
  inTurn: Turns['inTurn']
  /** Keys of turns on this host whose holders died or lost them. */
  leftTurns(): Promise<string[]>
}

/** How an answer's head is shown to the client. */
export type ShapeHead = (head: EngineHead) => { status: number; headers: Record<string, string> }

/** The connection one request came in on. */
export interface Connection {
  readonly method: string
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
  /** True when the client asked for an upgrade and the connection can be handed over. */
  readonly upgraded: boolean
  /** How many connections its namespace had open when this one came, itself counted. */
  readonly rank: number
  header(name: string): string | undefined
  /** Every value of a repeated header. */
  headers(name: string): readonly string[]
  /** The whole request body. Throws `Refusal` 413 beyond `limit` bytes. */
  body(limit: number): Promise<Uint8Array>
  /** The first complete JSON value of the body, for clients that never end it. */
  firstValue(limit: number): Promise<Uint8Array>
  /** The connection stays open when its namespace is closed, to answer what became of that. */
  outlive(): void
  /** The request body as it arrives. */
  upload(): AsyncIterable<Uint8Array>
  /**
   * Sends the request to the host and its answer's bytes to the client, untouched, with the client's body as upload when asked.
   * An error answer (status 400 and above, with a body) is returned, not sent.
   */
  relay(host: Host, request: EngineRequest, shape: ShapeHead, upload?: boolean): Promise<Response | EngineAnswer>
  /**
   * Hands the connection over: the engine's and the client's bytes flow both ways, each half closed on its own.
   * With `upgrade: 'h2c'` they end together. Resolves as soon as they flow. An engine that answers anything but 101 is returned as an answer.
   */
  hijack(host: Host, request: EngineRequest, shape: ShapeHead): Promise<Response | EngineAnswer>
  /** Hands the connection over to a gRPC server, until the client or the channel, which is closed with it, is gone. `ns`: whose limits count. */
  serve(ns: string, channel: GrpcChannel, service: GrpcService): Promise<Response>
}
