import type { Connection, EngineAnswer, EngineHead, EngineRequest, Host } from './engine.ts'
import type { Call, Endpoint, Plan, Reply, Reserve } from './endpoint.ts'
import { compareVersions } from './go.ts'
import { parseAnswer, stringify } from './json.ts'
import { readAll, splitLines } from './lines.ts'
import { missing } from './missing.ts'
import { inWordsOf } from './older-words.ts'
import { storedName } from './names.ts'
import { claimMade, takeName } from './ownership.ts'
import type { Observer, Outcome } from './outcome.ts'
import type { JobSockets } from './job-sockets.ts'
import type { Policy } from './policy.ts'
import type { PortRelay } from './ports.ts'
import { present, presentError } from './present.ts'
import { readQuery } from './query.ts'
import { messageOf, Refusal, refusalBody } from './refusal.ts'
import { resolver } from './resolve.ts'
import { streamOf } from './streams.ts'
import type { Claim, Namespace, Store } from './store.ts'

/** Bytes of a JSON body the gateway reads; the engine's own limit for `containers/create` is larger, no client comes near. */
const bodyLimit = 4 * 1024 * 1024

/** What the pipeline stands on; the same for every call of one gateway. */
export interface House {
  store: Store
  /** The record of a namespace, at most a second old. */
  namespace(id: string): Promise<Namespace | undefined>
  /** The host a namespace lives on. Throws `Refusal` 503 when it is unknown or away. */
  host(namespace: Namespace): Host
  policy(name: string): Policy
  /** Normalised reference → image id of the images the operator shares on this host. */
  shared(host: Host): ReadonlyMap<string, string>
  ports: PortRelay
  jobSockets: JobSockets
  now(): number
  randomHex(): string
  /** Told what became of every call. */
  observe: Observer
}

/** A request whose caller and address are known. */
export interface Arrival {
  namespace: Namespace
  connection: Connection
  /** API version in the path, undefined for unversioned paths. */
  version: string | undefined
  /** The decoded path parameter. */
  term: string
  /** W3C trace context for what this call asks of the engine. */
  trace: string | undefined
  /** Takes what the policy only observes. */
  permitted: Refusal[]
  query: ReadonlyMap<string, readonly string[]>
}

/** Runs one row for one request: resolve, parse, plan, reserve, forward, claim or release, present. Throws what `refuse` answers. */
export async function run(house: House, row: Endpoint, arrival: Arrival): Promise<Response> {
  try {
    const call = await prepare(house, row, arrival)
    if (isReply(call)) return reply(call, undefined)
    if (row.serves) return await served(row, call)
    return row.answer ? reply(await row.answer(call), call) : await forward(row, call)
  } catch (error) {
    throw error instanceof Refusal && error.status < 500 ? asEngine(house.host(arrival.namespace), error) : error
  }
}

/** A refusal as the namespace's engine would send it. */
function asEngine(host: Host, refusal: Refusal): Refusal {
  const { status, message, field, setting } = inWordsOf(host, refusal)
  return new Refusal(status, message, field, engineHeaders(host), setting)
}

/** What is known of a call before it is done. */
type Subject = Pick<Outcome, 'endpoint' | 'target' | 'namespace' | 'method' | 'trace'>

/** What the work of a call finds out on its way. */
interface Seen {
  caller: Namespace | undefined
  permitted: Refusal[]
}

/** Does the work of one call, answers with a refusal what it throws, and tells the observer what became of it. Throws nothing. */
export async function observed({ now, observe }: Pick<House, 'now' | 'observe'>, subject: Subject,
  work: (seen: Seen) => Promise<Response>): Promise<Response> {
  const at = now()
  let thrown: unknown
  const seen: Seen = { caller: undefined, permitted: [] }
  const response = await work(seen).catch((error) => {
    thrown = error
    return refuse(error)
  })
  const [refusal, failure] = thrown instanceof Refusal ? [thrown, undefined] : [undefined, thrown]
  observe({ ...subject, at, took: Math.max(0, now() - at), status: response.status, refusal, failure, ...seen })
  return response
}

/** The answer to a refusal; anything else that was thrown is a defect of the gateway and says so without details. */
export function refuse(error: unknown): Response {
  if (error instanceof Refusal) {
    const body = refusalBody(error)
    // Said in so many words, because the answer to HEAD has no body to count.
    return json(error.status, body, { ...error.headers, 'Content-Length': String(new TextEncoder().encode(body).length) })
  }
  return json(500, refusalBody({ message: 'the gateway failed to handle this request; the operator finds the cause in its log' }))
}

function json(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { status, headers: { 'Content-Type': 'application/json', ...headers } })
}

/** Headers every answer of an engine carries; clients read them (engine-api.md D.5). */
function engineHeaders(host: Host): Record<string, string> {
  const facts = host.facts()
  return { 'Api-Version': facts.apiVersion, 'Docker-Experimental': 'false', Ostype: 'linux', Server: `Docker/${String(facts.version.Version)} (linux)` }
}

/** The version a client speaks, checked as the engine checks it (moby, api/server/middleware/version.go). */
function checkedVersion(host: Host, asked: string | undefined): string {
  const { apiVersion, minApiVersion } = host.facts()
  if (asked === undefined) return apiVersion
  if (compareVersions(asked, minApiVersion) < 0) {
    throw new Refusal(400, `client version ${asked} is too old. Minimum supported API version is ${minApiVersion}, please upgrade your client to a newer version`)
  }
  if (compareVersions(asked, apiVersion) > 0) {
    throw new Refusal(400, `client version ${asked} is too new. Maximum supported API version is ${apiVersion}`)
  }
  return asked
}

async function prepare(house: House, row: Endpoint, arrival: Arrival): Promise<Call | Reply> {
  const { namespace, connection } = arrival
  const host = house.host(namespace)
  const version = checkedVersion(host, arrival.version)
  refuseForms(connection)
  const policy = inForce(house.policy(namespace.policy), arrival.permitted)
  const query = readQuery(row.query ?? {}, arrival.query)
  const resolve = resolver(house.store, namespace.id, house.shared(host))
  // An engine reads a body before it looks for what the path names, and judges what is in it afterwards.
  const judge = await readBody(row, connection, policy, host)
  const target = await owned(house, row, arrival, host, resolve, query)
  if (isReply(target)) return target
  const body = judge()
  const engine = (request: EngineRequest) => host.call(traced({ version, ...request }, arrival.trace), connection.signal)
  const call: Call = {
    ns: namespace.id, namespace, policy, host, store: house.store, ports: house.ports, jobSockets: house.jobSockets, version, connection, resolve, now: house.now(), randomHex: house.randomHex,
    term: arrival.term, id: target?.id ?? '', claim: target?.claim, query, body, engine,
    ask: async (request) => accepted(namespace.id, await engine(request)), trace: arrival.trace,
    refused: (endpoint, refusal) => house.observe({ ...refusedInside(arrival, endpoint, refusal), at: house.now() }),
  }
  return call
}

/** The outcome of what was refused inside a call that itself goes on. */
function refusedInside({ namespace, connection, trace }: Arrival, endpoint: string, refusal: Refusal): Omit<Outcome, 'at'> {
  return {
    took: 0, namespace: namespace.id, caller: namespace, method: connection.method, endpoint, target: '', status: refusal.status, refusal,
    permitted: [], failure: undefined, trace,
  }
}

/** The policy as a call is judged by it: one that only observes adds what it would refuse to `permitted`. */
export function inForce(policy: Policy, permitted: Refusal[]): Policy {
  return policy.mode === 'observe' ? { ...policy, notice: (refusal) => void permitted.push(refusal) } : policy
}

function traced(request: EngineRequest, trace: string | undefined): EngineRequest {
  return trace === undefined ? request : { ...request, headers: { ...request.headers, traceparent: trace } }
}

/** A form body beats the query string inside the engine (engine-api.md D.3), so no form ever gets near one. */
function refuseForms(connection: Connection): void {
  const type = connection.header('content-type')?.toLowerCase() ?? ''
  if (/^\s*(application\/x-www-form-urlencoded|multipart\/)/.test(type)) {
    throw new Refusal(400, `unsupported Content-Type header (${type}): must be 'application/json'`)
  }
}

/** Reads a row's body and throws what is wrong with its form; the answer gives the body, or throws what the policy has against it. */
async function readBody(row: Endpoint, connection: Connection, policy: Policy, host: Host): Promise<() => unknown> {
  if (row.body === undefined) return () => undefined
  const bytes = await (row.firstValueOnly ? connection.firstValue(bodyLimit) : connection.body(bodyLimit))
  if (bytes.length > 0) requireJson(connection.header('content-type') ?? '')
  try {
    const body = row.body(bytes.length === 0 && mayBeEmpty(row, connection, host) ? emptyObject : bytes, policy)
    return () => body
  } catch (error) {
    if (error instanceof Refusal && error.status === 400) throw error
    return () => { throw error }
  }
}

const emptyObject = new TextEncoder().encode('{}')

/** Engines since 23 take a request without a body for one with an empty object (moby, api/server/httputils ReadJSON). */
function mayBeEmpty(row: Endpoint, connection: Connection, host: Host): boolean {
  return row.bodyNeeded !== true && connection.header('transfer-encoding') === undefined && compareVersions(host.facts().apiVersion, '1.42') >= 0
}

/** A body must say that it is JSON (moby, api/server/httputils CheckForJSON). */
function requireJson(type: string): void {
  if (type === '') throw new Refusal(400, 'malformed Content-Type header (): mime: no media type')
  if (type.split(';', 1)[0]!.trim().toLowerCase() !== 'application/json') {
    throw new Refusal(400, `unsupported Content-Type header (${type}): must be 'application/json'`)
  }
}

type Target = { id: string; claim: Claim | undefined }

async function owned(house: House, row: Endpoint, arrival: Arrival, host: Host, resolve: Call['resolve'], query: Call['query']): Promise<Target | Reply | undefined> {
  const { term, namespace } = arrival
  if (row.owns === undefined) return undefined
  try {
    if (row.owns === 'image') return { id: (await resolve.image(term)).id, claim: undefined }
    if (row.owns === 'exec') return await ownedExec(house.store, namespace.id, host, term)
    const claim = await resolve[row.owns](term)
    return { id: claim.id, claim }
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 404 || row.unknown === undefined) throw error
    const answer = row.unknown(term, query)
    if (answer instanceof Error) throw answer
    return answer
  }
}

async function ownedExec(store: Store, ns: string, host: Host, exec: string): Promise<Target> {
  if (!/^[0-9a-f]{64}$/.test(exec)) throw missing.exec(exec)
  const container = await host.containerOfExec(exec)
  const claim = container === undefined ? undefined : await store.byId(ns, 'container', container)
  if (claim === undefined) throw missing.exec(exec)
  return { id: exec, claim }
}

async function forward(row: Endpoint, call: Call): Promise<Response> {
  const plan = await row.plan!(call)
  const request = traced({ version: call.version, method: methodOf(row), ...withoutReserve(plan) }, call.trace)
  const travels = typeof row.travels === 'function' ? row.travels(call) : row.travels ?? 'json'
  if (travels === 'hijack') return hijacked(row, call, request)
  if (travels === 'raw') return relayed(row, call, request)
  if (travels === 'lines') return lines(row, call, request)
  return buffered(row, call, plan, request)
}

async function served(row: Endpoint, call: Call): Promise<Response> {
  const channel = await call.host.channel()
  try {
    return await call.connection.serve(call.ns, channel, await row.serves!(call, channel))
  } finally {
    channel.close()
  }
}

function methodOf(row: Endpoint): EngineRequest['method'] {
  return row.route.slice(0, row.route.indexOf(' ')) as EngineRequest['method']
}

function withoutReserve({ reserve: _, ...request }: Plan): Omit<Plan, 'reserve'> {
  return request
}

async function buffered(row: Endpoint, call: Call, plan: Plan, request: EngineRequest): Promise<Response> {
  const { reserve } = plan
  if (reserve && !reserve.held) await takeName(call, reserve)
  // A create is never cancelled half-way: what the engine made must be claimed even when the client is gone. When it is unknown whether
  // the engine made the object (a lost connection, a lost store) the reservation stays, and reconciling claims or removes the object.
  const answer = row.upload ? await uploaded(call, request) : await (reserve ? call.host.call(request) : call.engine(request))
  if (answer.status >= 300 && answer.status !== 304) {
    if (reserve) await call.store.release(call.ns, reserve.kind, reserve.name)
    return engineError(call, answer)
  }
  const value = answer.text === '' ? undefined : parseAnswer(present(call.ns, answer.text))
  if (reserve) await claimMade(call, { kind: reserve.kind, name: reserve.name, id: createdId(call, reserve, value), facts: reserve.facts, size: reserve.size })
  await row.claims?.(value, call, plan)
  // By id: the name may be another's by now.
  if (row.releases && call.claim?.id !== undefined) await call.store.releaseId(call.ns, call.claim.kind, call.claim.id)
  return presented(row, call, answer, value)
}

/** Containers and networks get an id from the engine; a volume's id is its stored name. */
function createdId(call: Call, reserve: Reserve, value: any): string {
  return typeof value?.Id === 'string' ? value.Id : storedName(call.ns, reserve.name)
}

async function uploaded(call: Call, request: EngineRequest): Promise<EngineAnswer> {
  const stream = await call.host.stream(request, { signal: call.connection.signal, upload: call.connection.upload(), contentType: 'application/x-tar' })
  return { status: stream.status, headers: stream.headers, text: await readAll(stream.body) }
}

async function presented(row: Endpoint, call: Call, answer: EngineAnswer, value: unknown): Promise<Response> {
  const headers = engineHeaders(call.host)
  if (value === undefined) return new Response(null, { status: answer.status, headers })
  const shown = row.present ? await row.present(value, call) : value
  return json(answer.status, `${stringify(shown)}\n`, headers)
}

/** An engine's error answer in the job's words, same status and shape. */
function engineError(call: Call, answer: EngineAnswer): Response {
  return json(answer.status, refusalBody({ message: complaint(answer, call.ns, call) }), engineHeaders(call.host))
}

function complaint(answer: EngineAnswer, ns: string, asked?: { term: string; id: string }): string {
  const message = messageOf(answer.text)
  return presentError(ns, message, asked && asked.id !== '' ? asked : undefined)
}

function accepted(ns: string, answer: EngineAnswer): any {
  if (answer.status >= 300) throw new Refusal(answer.status, complaint(answer, ns))
  return answer.text === '' ? undefined : parseAnswer(present(ns, answer.text))
}

async function relayed(row: Endpoint, call: Call, request: EngineRequest): Promise<Response> {
  const answer = await call.connection.relay(call.host, request, (head) => rawHead(call, head), row.upload)
  return isEngineAnswer(answer) ? engineError(call, answer) : answer
}

const rawHeaders = ['content-type', 'x-docker-container-path-stat', 'content-length'] as const

function rawHead(call: Call, head: EngineHead): { status: number; headers: Record<string, string> } {
  const copied = rawHeaders.filter((name) => head.headers[name] !== undefined).map((name) => [name, head.headers[name]!])
  return { status: head.status, headers: { ...engineHeaders(call.host), ...Object.fromEntries(copied) } }
}

async function hijacked(row: Endpoint, call: Call, request: EngineRequest): Promise<Response> {
  const answer = await call.connection.hijack(call.host, request, (head) => ({
    status: head.status,
    headers: row.name === 'ExecStart' ? engineHeaders(call.host) : {},
  }))
  return isEngineAnswer(answer) ? engineError(call, answer) : answer
}

async function lines(row: Endpoint, call: Call, request: EngineRequest): Promise<Response> {
  const upload = row.upload ? call.connection.upload() : undefined
  const stream = await call.host.stream(request, { signal: call.connection.signal, upload })
  if (stream.status >= 300) return engineError(call, { ...stream, text: await readAll(stream.body) })
  const head = rawHead(call, stream)
  delete head.headers['content-length']
  return new Response(streamOf(presentedLines(row, call, stream.body)), head)
}

async function* presentedLines(row: Endpoint, call: Call, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const line of splitLines(body)) {
    const plain = present(call.ns, line)
    yield encoder.encode(row.present ? `${stringify(await row.present(parseAnswer(plain), call))}\n` : `${plain}\n`)
  }
}

/** Told apart by the text, since runtimes have more than one Response class. */
function isEngineAnswer(answer: Response | EngineAnswer): answer is EngineAnswer {
  return typeof answer.text === 'string'
}

function isReply(value: unknown): value is Reply {
  return typeof value === 'object' && value !== null && 'status' in value && !('connection' in value)
}

function reply(answer: Reply, call: Call | undefined): Response {
  const headers = { ...(call ? engineHeaders(call.host) : {}), ...answer.headers }
  if (answer.bytes) return new Response(streamOf(answer.bytes), { status: answer.status, headers })
  if (answer.lines) return new Response(streamOf(encodeLines(answer.lines, answer.lineEnd ?? '\n')), { status: answer.status, headers: { 'Content-Type': 'application/json', ...headers } })
  if (answer.body === undefined) return new Response(null, { status: answer.status, headers })
  if (typeof answer.body === 'string') return new Response(answer.body, { status: answer.status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers } })
  return json(answer.status, `${stringify(answer.body)}\n`, headers)
}

async function* encodeLines(values: AsyncIterable<unknown>, end: string): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const value of values) yield encoder.encode(`${stringify(value)}${end}`)
}
