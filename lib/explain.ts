import type { Connection, Host } from './engine.ts'
import type { Call, Endpoint, Plan } from './endpoint.ts'
import { canonicalPath, parseQuery } from './go.ts'
import { missing } from './missing.ts'
import type { JobSockets } from './job-sockets.ts'
import type { Policy } from './policy.ts'
import type { PortRelay } from './ports.ts'
import { readQuery } from './query.ts'
import { Refusal } from './refusal.ts'
import type { Resolver } from './resolve.ts'
import type { Claim, Kind, Namespace, Store } from './store.ts'

/** What the gateway would do with a request, without doing it. */
export type Explanation =
  | { endpoint: string; plan: Omit<Plan, 'reserve' | 'method'> & { method: string } }
  | { endpoint: string; answeredHere: true }
  | { refusal: { status: number; message: string; field?: string } }

/** The namespace that explanations are made for; nothing is ever stored under it. */
const example = 'namespace0000000'

/**
 * Says what becomes of a request: the plan for the engine, that the gateway answers by itself, or the refusal.
 * Every object the request names is taken to exist and to be the namespace's own; its id is shown as `<container db>`.
 */
export async function explain(rows: readonly Endpoint[], host: Host, policy: Policy, request: string, body: string): Promise<Explanation> {
  try {
    const [method = '', target = ''] = request.trim().split(/\s+/)
    const address = canonicalPath(target)
    const match = rows.map((row) => ({ row, term: matches(row, method.toUpperCase(), address.path) })).find(({ term }) => term !== undefined)
    if (match === undefined) throw missing.page()
    const { row, term } = match
    const parsed = row.body?.(new TextEncoder().encode(body), policy)
    const call = exampleCall(host, policy, row, term!, readQuery(row.query ?? {}, parseQuery(address.query)), parsed, address.version)
    if (!row.plan) return { endpoint: row.name, answeredHere: true }
    const { reserve: _, ...plan } = await row.plan(call)
    return { endpoint: row.name, plan: { ...plan, method: plan.method ?? method } }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { refusal: { status: error.status, message: error.message, field: error.field } }
  }
}

/** The path parameter when the row serves this request ('' for rows without one), undefined otherwise. */
function matches(row: Endpoint, method: string, path: string): string | undefined {
  const [verb, route] = row.route.split(' ') as [string, string]
  const pattern = new RegExp(`^${route.replace(/:\w+\{\.\+\}/g, '(.+)').replace(/:\w+/g, '([^/]+)')}$`)
  const match = verb === method ? pattern.exec(path) : null
  return match === null ? undefined : match[1] ?? ''
}

function exampleCall(host: Host, policy: Policy, row: Endpoint, term: string, query: unknown, body: unknown, version: string | undefined): Call {
  const namespace: Namespace = { id: example, host: host.name, policy: '', label: '', domain: example, by: '', opened: 0, expires: 0, lease: 0, state: 'open' }
  const nothing = () => Promise.reject(new Error('an explanation does not call the engine'))
  return {
    ns: example, namespace, policy, host: { ...host, call: nothing, stream: nothing, image: async () => undefined, groups: exampleGroups }, store: exampleStore(), ports: examplePorts, jobSockets: exampleSockets,
    version: version ?? host.facts().apiVersion, connection: {} as Connection, resolve: exampleResolver(), now: 0, trace: undefined, randomHex: () => '0'.repeat(64),
    term, id: row.owns ? `<${row.owns} ${term}>` : '', claim: row.owns && row.owns !== 'exec' && row.owns !== 'image' ? exampleClaim(row.owns, term) : undefined,
    query: query as Record<string, unknown>, body, engine: nothing, ask: nothing, refused() {},
  }
}

const exampleGroups: Host['groups'] = {
  containers: async () => '<control group of the namespace>',
  builds: async () => ({ parent: '<control group of builds>', caches: '<caches>' }),
}

function exampleClaim(kind: Kind, name: string): Claim & { id: string } {
  return { ns: example, kind, name, id: `<${kind} ${name}>`, facts: {} }
}

function exampleResolver(): Resolver {
  return {
    container: async (term) => exampleClaim('container', term),
    network: async (term) => exampleClaim('network', term),
    volume: async (name) => exampleClaim('volume', name),
    image: async (term) => ({ id: `<image ${term}>`, onEngine: `<image ${term}>`, shared: false }),
  }
}

const exampleSockets: JobSockets = { isOwn: () => false, path: async () => '<socket of the namespace>' }
const examplePorts: PortRelay = { take: async () => {}, refresh: async () => {}, dialled: () => [] }

/** A store in which every name is free and the namespace's bridge exists. */
function exampleStore(): Store {
  return new Proxy({} as Store, {
    get: (_target, verb) => async (_ns: string, kind: Kind, name: string) =>
      verb === 'byName' ? exampleClaim(kind, name) : verb === 'reserve' ? { outcome: 'reserved' } : [],
  })
}
