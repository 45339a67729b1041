import type { Hono } from 'hono'
import * as v from 'valibot'
import { parseRequestJson } from '../lib/json.ts'
import { engineUrl, hostName } from '../lib/host-record.ts'
import { observed, type House } from '../lib/pipeline.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Entry } from './entry.ts'

/** What the control API stands on. */
export interface Control {
  /** Is this the operator's token? Compared in constant time. */
  authorised(token: string): boolean
  open(wish: OpenWish): Promise<unknown>
  list(): Promise<unknown[]>
  /** Removes everything of a namespace and reports it. Throws 404 when it is unknown. */
  close(id: string): Promise<unknown>
  /** Serves a namespace on a unix socket at an absolute path. */
  socket(id: string, path: string): Promise<unknown>
  explain(question: { request: string; body: string; policy: string }): Promise<unknown>
  hosts: HostControl
}

/** What the control API does about hosts. Verbs throw `Refusal` 404 for unknown hosts, and answer the host as `list` shows it. */
export interface HostControl {
  list(): Promise<unknown[]>
  add(wish: HostWish): Promise<unknown>
  drain(name: string, drained: boolean): Promise<unknown>
  /** Throws `Refusal` 409 while namespaces live there. */
  remove(name: string): Promise<unknown>
}

const short = v.pipe(v.string(), v.maxLength(256))
const openWish = v.strictObject({
  policy: v.optional(short, 'default'),
  label: v.optional(short, ''),
  domain: v.optional(v.pipe(short, v.minLength(1))),
  lifetime: v.optional(v.pipe(v.number(), v.minValue(1))),
})
/** How a namespace is to be opened. `lifetime` in seconds; `domain` is the trust domain, its own when absent. */
export type OpenWish = v.InferOutput<typeof openWish>

const pem = v.optional(v.pipe(v.string(), v.startsWith('-----BEGIN', 'must be PEM')))
const hostWish = v.strictObject({
  name: hostName,
  url: engineUrl,
  tls: v.optional(v.strictObject({ ca: pem, cert: pem, key: pem })),
  memory: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  cpus: v.optional(v.pipe(v.number(), v.minValue(0.01))),
})
/** An engine for the pool; `memory` in bytes and `cpus` in cores are what namespaces may reserve. */
export type HostWish = v.InferOutput<typeof hostWish>

const socketWish = v.strictObject({ path: v.pipe(v.string(), v.startsWith('/', 'must be an absolute path'), v.maxLength(100)) })
const question = v.strictObject({ request: short, body: v.optional(v.string(), ''), policy: v.optional(short, 'default') })

/** Bytes of a control request. */
const limit = 4 * 1024 * 1024

/** The control API: namespaces and hosts, for holders of the operator's token. */
export function mountControl(control: Control, house: Pick<House, 'now' | 'observe'>): <E extends { Bindings: Entry }>(app: Hono<E>) => void {
  return (app) => {
    const route = (endpoint: string, method: string, path: string, status: 200 | 201, work: (entry: Entry, id: string) => Promise<unknown>) =>
      app.on(method, path, (c) => {
        const entry = c.env as Entry
        const target = c.req.param('id' as never) ?? ''
        return observed(house, { endpoint, target, namespace: entry.namespace, method, trace: undefined }, async () => {
          authorise(control, entry)
          return c.json(await work(entry, target) as object, status)
        })
      })
    route('NamespaceOpen', 'POST', '/namespaces', 201, async (entry) => control.open(await read(openWish, entry)))
    route('NamespaceList', 'GET', '/namespaces', 200, () => control.list())
    route('NamespaceClose', 'DELETE', '/namespaces/:id', 200, (_entry, id) => control.close(id))
    route('NamespaceSocket', 'POST', '/namespaces/:id/socket', 201, async (entry, id) => control.socket(id, (await read(socketWish, entry)).path))
    route('HostList', 'GET', '/hosts', 200, () => control.hosts.list())
    route('HostAdd', 'POST', '/hosts', 201, async (entry) => control.hosts.add(await read(hostWish, entry)))
    route('HostDrain', 'POST', '/hosts/:id/drain', 200, (_entry, name) => control.hosts.drain(name, true))
    route('HostResume', 'POST', '/hosts/:id/resume', 200, (_entry, name) => control.hosts.drain(name, false))
    route('HostRemove', 'DELETE', '/hosts/:id', 200, (_entry, name) => control.hosts.remove(name))
    route('Explain', 'POST', '/explain', 200, async (entry) => control.explain(await read(question, entry)))
  }
}

function authorise(control: Control, entry: Entry): void {
  const token = /^Bearer (\S+)$/i.exec(entry.connection.header('authorization') ?? '')?.[1]
  if (token === undefined || !control.authorised(token)) {
    throw new Refusal(401, 'this endpoint needs the operator\'s token (Authorization: Bearer ...); it is in the file operator-token of the gateway\'s state directory')
  }
}

async function read<S extends v.GenericSchema>(schema: S, entry: Entry): Promise<v.InferOutput<S>> {
  const result = v.safeParse(schema, parseRequestJson(await entry.connection.body(limit)))
  if (result.success) return result.output
  const [issue] = result.issues
  throw new Refusal(400, `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
}
