import { Hono } from 'hono'
import type { Endpoint } from '../lib/endpoint.ts'
import { canonicalPath, parseQuery } from '../lib/go.ts'
import { missing } from '../lib/missing.ts'
import { inForce, observed, refuse, run, type House } from '../lib/pipeline.ts'
import { permit } from '../lib/policy.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace } from '../lib/store.ts'
import { childTrace } from '../lib/trace.ts'
import { build } from './build.ts'
import { containers } from './containers.ts'
import { distribution } from './distribution.ts'
import type { Entry } from './entry.ts'
import { events } from './events.ts'
import { exec } from './exec.ts'
import { images } from './images.ts'
import { networks } from './networks.ts'
import { refused } from './refused.ts'
import { system } from './system.ts'
import { volumes } from './volumes.ts'

/** The whitelist: what is not in one of these tables does not exist. */
export const rows: readonly Endpoint[] = [...system, ...events, ...refused, ...containers, ...exec, ...images, ...build, ...distribution, ...networks, ...volumes]

/** HEAD requests have a path space of their own, since Hono answers HEAD by the GET row; no client path holds a NUL. */
const headSpace = '/\0HEAD'

type Addressed = Entry & { address: ReturnType<typeof canonicalPath> }

/**
 * The app every runtime serves.
 * `extra` mounts what is not part of the Docker API (control API, health) on the same router.
 */
export function createApp(house: House, extra: (app: Hono<{ Bindings: Addressed }>) => void = () => {}) {
  const app = new Hono<{ Bindings: Addressed }>({ getPath: (_request, options) => routed(options!.env as Addressed) })
  extra(app)
  for (const row of rows) mount(app, house, row)
  app.notFound((c) => {
    if (c.env.connection.method === 'OPTIONS') return c.body(null, 200)
    const { namespace, connection: { method } } = c.env
    return observed(house, { endpoint: 'unknown', target: '', namespace, method, trace: undefined }, () => Promise.reject(missing.page()))
  })
  app.onError((error) => refuse(error))
  return {
    fetch(request: Request, entry: Entry): Response | Promise<Response> {
      try {
        const address = canonicalPath(entry.target)
        if (address.redirect !== undefined) return new Response(null, { status: 301, headers: { Location: address.redirect } })
        return app.fetch(request, { ...entry, address })
      } catch (error) {
        return refuse(error)
      }
    },
    mayHijack,
  }
}

function routed({ address, connection }: Addressed): string {
  // The path is decoded already; Hono decodes parameters once more.
  const path = address.path.replaceAll('%', '%25')
  return connection.method === 'HEAD' ? headSpace + path : path
}

function mount(app: Hono<{ Bindings: Addressed }>, house: House, row: Endpoint): void {
  const [method, path] = row.route.split(' ') as [string, string]
  const [verb, pattern] = method === 'HEAD' ? ['GET', headSpace + path] : [method, path]
  const parameter = /:(\w+)/.exec(path)?.[1]
  app.on(verb, pattern, (c) => {
    const { connection, address, namespace: id } = c.env
    const term = parameter === undefined ? '' : c.req.param(parameter) ?? ''
    const trace = childTrace(connection.header('traceparent'), house.randomHex)
    return observed(house, { endpoint: row.name, target: term, namespace: id, method: connection.method, trace }, async (seen) => {
      const namespace = await identified(house, c.env)
      seen.caller = namespace
      permitConnection(house, namespace, connection.rank, seen.permitted)
      return run(house, row, { namespace, connection, version: address.version, term, trace, permitted: seen.permitted, query: parseQuery(address.query) })
    })
  })
}

async function identified(house: House, entry: Entry) {
  if (entry.namespace === undefined) throw new Refusal(401, 'no namespace: this connection has no client certificate of an open namespace; open one with `moorage open` and use its DOCKER_CERT_PATH')
  const namespace = await house.namespace(entry.namespace)
  if (namespace === undefined || namespace.state !== 'open' || namespace.expires <= house.now()) {
    throw new Refusal(403, `namespace ${entry.namespace} is closed; open a new one with \`moorage open\``)
  }
  return namespace
}

/** One connection of a namespace beyond those it may have is answered, and closed. */
function permitConnection({ policy }: House, namespace: Namespace, rank: number, permitted: Refusal[]): void {
  const judge = inForce(policy(namespace.policy), permitted)
  const limit = judge.limits.connections
  if (rank <= limit) return
  const message = `this namespace has as many connections as its policy allows (${limit}); close some that are open, or ask the operator for a higher limits.connections`
  permit(judge, new Refusal(429, message, 'connections', { Connection: 'close' }, { path: 'limits.connections', value: rank }))
}

const hijackable = rows.filter((row) => row.travels === 'hijack' || row.serves !== undefined || typeof row.travels === 'function').map((row) => {
  const [method, path] = row.route.split(' ') as [string, string]
  return { method, path: new RegExp(`^(/v[0-9.]+)?${path.replace(/:\w+(\{[^}]*\})?/g, '.+')}$`) }
})

/** May a row hijack the connection of this request? Only a hint to the runtime; the row itself decides. */
function mayHijack(method: string, target: string): boolean {
  const path = target.split('?', 1)[0]!
  return hijackable.some((row) => row.method === method && row.path.test(path))
}
