import type { Hono } from 'hono'
import * as v from 'valibot'
import { parseRequestJson } from '../lib/json.ts'
import { engineUrl, hostName } from '../lib/host-record.ts'
import type { Opener } from '../lib/openers/opener.ts'
import { observed, type House } from '../lib/pipeline.ts'
import { Refusal } from '../lib/refusal.ts'
import { bearerToken } from './bearer.ts'
import type { Entry } from './entry.ts'

/** What the control API stands on. */
export interface Control {
  /** Who bears a token, and what is to be called before a namespace is opened with it. Undefined for a token of nobody. */
  recognise(token: string): Promise<{ opener: Opener; use(): Promise<void> } | undefined>
  open(wish: OpenWish, by: Opener): Promise<unknown>
  /** Those that the opener may see. */
  list(by: Opener): Promise<unknown[]>
  /** Removes everything of a namespace and reports it. Throws 404 when it is unknown, or not for this opener; none is the namespace itself. */
  close(id: string, by?: Opener): Promise<unknown>
  /** Serves a namespace on a unix socket at an absolute path. */
  socket(id: string, path: string): Promise<unknown>
  explain(question: { request: string; body: string; policy: string }): Promise<unknown>
  hosts: HostControl
  tokens: TokenControl
}

/** What the control API does about tokens for CI systems without OIDC. */
export interface TokenControl {
  list(): Promise<unknown[]>
  /** Answers the token, which is told never again. Throws `Refusal` 400 for an unknown policy, 409 when the name is taken. */
  create(wish: TokenWish): Promise<unknown>
  /** Throws `Refusal` 404 when there is none. */
  revoke(name: string): Promise<unknown>
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
  policy: v.optional(short),
  label: v.optional(short),
  domain: v.optional(v.pipe(short, v.minLength(1))),
  lifetime: v.optional(v.pipe(v.number(), v.minValue(1))),
  csr: v.optional(v.pipe(v.string(), v.maxLength(16_384))),
})
/**
 * How a namespace is to be opened. `lifetime` in seconds; `domain` is the trust domain, its own when absent; `csr` is a certification request
 * (PKCS #10, PEM) for a key that the job keeps to itself.
 */
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

const tokenWish = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be of lower-case letters, digits, dots, dashes and underscores')),
  policies: v.optional(v.pipe(v.array(short), v.minLength(1)), ['default']),
  domain: v.optional(v.pipe(short, v.minLength(1))),
  label: v.optional(short),
  lifetime: v.optional(v.pipe(v.number(), v.minValue(1))),
  expires: v.pipe(v.number(), v.minValue(1), v.maxValue(10 * 365 * 24 * 3600)),
})
/** A token and what its bearer may open (`Grant`); `expires` and `lifetime` in seconds. */
export type TokenWish = v.InferOutput<typeof tokenWish>

const socketWish = v.strictObject({ path: v.pipe(v.string(), v.startsWith('/', 'must be an absolute path'), v.maxLength(100)) })
const question = v.strictObject({ request: short, body: v.optional(v.string(), ''), policy: v.optional(short, 'default') })

/** Bytes of a control request. */
const limit = 4 * 1024 * 1024

type Work = (entry: Entry, target: string, by: Opener) => Promise<unknown>

/** The control API: namespaces for who may open them, hosts, tokens and explanations for operators. */
export function mountControl(control: Control, house: Pick<House, 'now' | 'observe'>): <E extends { Bindings: Entry }>(app: Hono<E>) => void {
  return (app) => {
    const route = (endpoint: string, method: string, path: string, status: 200 | 201, work: (entry: Entry, target: string) => Promise<unknown>) =>
      app.on(method, path, (c) => {
        const entry = c.env as Entry
        const target = c.req.param('id' as never) ?? ''
        return observed(house, { endpoint, target, namespace: entry.namespace, method, trace: undefined }, async () => c.json(await work(entry, target) as object, status))
      })
    const forOpeners = (work: Work) => async (entry: Entry, target: string) => work(entry, target, (await bearer(control, entry)).opener)
    const forOperators = (work: Work) => forOpeners((entry, target, by) => {
      if (!by.operator) throw new Refusal(403, `this endpoint is for operators, and ${by.name} is none`)
      return work(entry, target, by)
    })
    route('NamespaceOpen', 'POST', '/namespaces', 201, async (entry) => {
      const { opener, use } = await bearer(control, entry)
      const wish = await read(openWish, entry)
      await use()
      return control.open(wish, opener)
    })
    route('NamespaceList', 'GET', '/namespaces', 200, forOpeners((_entry, _target, by) => control.list(by)))
    route('NamespaceCloseSelf', 'DELETE', '/namespaces/self', 200, async ({ namespace, connection }) => {
      if (namespace === undefined) throw new Refusal(401, 'no namespace: this connection has no client certificate of one')
      connection.outlive()
      return control.close(namespace)
    })
    route('NamespaceClose', 'DELETE', '/namespaces/:id', 200, forOpeners((_entry, id, by) => control.close(id, by)))
    route('NamespaceSocket', 'POST', '/namespaces/:id/socket', 201, forOperators(async (entry, id) => control.socket(id, (await read(socketWish, entry)).path)))
    route('HostList', 'GET', '/hosts', 200, forOperators(() => control.hosts.list()))
    route('HostAdd', 'POST', '/hosts', 201, forOperators(async (entry) => control.hosts.add(await read(hostWish, entry))))
    route('HostDrain', 'POST', '/hosts/:id/drain', 200, forOperators((_entry, name) => control.hosts.drain(name, true)))
    route('HostResume', 'POST', '/hosts/:id/resume', 200, forOperators((_entry, name) => control.hosts.drain(name, false)))
    route('HostRemove', 'DELETE', '/hosts/:id', 200, forOperators((_entry, name) => control.hosts.remove(name)))
    route('TokenList', 'GET', '/tokens', 200, forOperators(() => control.tokens.list()))
    route('TokenCreate', 'POST', '/tokens', 201, forOperators(async (entry) => control.tokens.create(await read(tokenWish, entry))))
    route('TokenRevoke', 'DELETE', '/tokens/:id', 200, forOperators((_entry, name) => control.tokens.revoke(name)))
    route('Explain', 'POST', '/explain', 200, forOperators(async (entry) => control.explain(await read(question, entry))))
  }
}

async function bearer(control: Control, entry: Entry) {
  const token = bearerToken(entry.connection)
  const found = token === undefined ? undefined : await control.recognise(token)
  if (found) return found
  throw new Refusal(401, 'this endpoint needs a token (Authorization: Bearer ...): the operator\'s, which is in the file operator-token of the gateway\'s '
    + 'state directory, one that the operator made, or an OIDC token of a CI system that the gateway knows')
}

async function read<S extends v.GenericSchema>(schema: S, entry: Entry): Promise<v.InferOutput<S>> {
  const result = v.safeParse(schema, parseRequestJson(await entry.connection.body(limit)))
  if (result.success) return result.output
  const [issue] = result.issues
  throw new Refusal(400, `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
}
