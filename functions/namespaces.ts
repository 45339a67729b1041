import type { Hono } from 'hono'
import * as v from 'valibot'
import { parseRequestJson } from '../lib/json.ts'
import { engineUrl, hostName } from '../lib/host-record.ts'
import type { Opener, Use } from '../lib/openers/opener.ts'
import { observed, type House } from '../lib/pipeline.ts'
import { Refusal } from '../lib/refusal.ts'
import { bearerToken } from './bearer.ts'
import type { Entry } from './entry.ts'

/** What the control API stands on. */
export interface Control {
  /** Who bears a token, and what is to be called before a namespace is opened with it. Undefined for a token of nobody. */
  recognise(token: string): Promise<{ opener: Opener; use: Use } | undefined>
  /** Judges the wish before it uses the token. Throws `Refusal` 429 when the opener has as many namespaces as it may. */
  open(wish: OpenWish, by: Opener, use: Use): Promise<unknown>
  /** Those that the opener may see. */
  list(by: Opener): Promise<unknown[]>
  /** One of them, while it closes too. Throws 404 when it is unknown, or not for this opener; none is the namespace itself. */
  inspect(id: string, by?: Opener): Promise<unknown>
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
  namespaces: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  expires: v.pipe(v.number(), v.minValue(1), v.maxValue(10 * 365 * 24 * 3600)),
})
/** A token and what its bearer may open (`Grant`); `expires` and `lifetime` in seconds. */
export type TokenWish = v.InferOutput<typeof tokenWish>

const socketWish = v.strictObject({ path: v.pipe(v.string(), v.startsWith('/', 'must be an absolute path'), v.maxLength(100)) })
const question = v.strictObject({ request: short, body: v.optional(v.string(), ''), policy: v.optional(short, 'default') })

/** Bytes of a control request. */
const limit = 4 * 1024 * 1024

/** What a row is given: the call, the path's parameter, and who bears the token, where the row is for bearers of one. */
interface Given {
  entry: Entry
  target: string
  by: Opener
  /** To be called before a namespace is opened with the token. */
  use: Use
}

/** A row of the control API. `by`: whose token, or certificate, it wants. `does`: for people. */
export interface ControlRow {
  endpoint: string
  route: `${'GET' | 'POST' | 'DELETE'} /${string}`
  by: 'opener' | 'operator' | 'namespace'
  does: string
  status?: 201
  work(control: Control, given: Given): Promise<unknown>
}

/** The control API: namespaces for who may open them, hosts, tokens and explanations for operators. */
export const controlRows: readonly ControlRow[] = [
  { endpoint: 'NamespaceOpen', route: 'POST /namespaces', by: 'opener', status: 201, does: 'opens a namespace and answers its id, end and certificate',
    async work(control, { entry, by, use }) {
      return control.open(await read(openWish, entry), by, use)
    } },
  { endpoint: 'NamespaceList', route: 'GET /namespaces', by: 'opener', does: 'lists the open namespaces that the bearer may see', work: (control, { by }) => control.list(by) },
  { endpoint: 'NamespaceCloseSelf', route: 'DELETE /namespaces/self', by: 'namespace', does: 'closes the namespace of the certificate',
    async work(control, { entry }) {
      const namespace = ownNamespace(entry)
      entry.connection.outlive()
      return control.close(namespace)
    } },
  { endpoint: 'NamespaceInspectSelf', route: 'GET /namespaces/self', by: 'namespace', does: 'shows the namespace of the certificate, while it is closed too',
    async work(control, { entry }) {
      const namespace = ownNamespace(entry)
      entry.connection.outlive()
      return control.inspect(namespace)
    } },
  { endpoint: 'NamespaceInspect', route: 'GET /namespaces/:id', by: 'opener', does: 'shows a namespace and how many objects it has, while it is closed too', work: (control, { target, by }) => control.inspect(target, by) },
  { endpoint: 'NamespaceClose', route: 'DELETE /namespaces/:id', by: 'opener', does: 'removes everything of a namespace and answers what was removed and what is left for later', work: (control, { target, by }) => control.close(target, by) },
  { endpoint: 'NamespaceSocket', route: 'POST /namespaces/:id/socket', by: 'operator', status: 201, does: 'serves a namespace on a unix socket of the gateway\'s machine',
    work: async (control, { entry, target }) => control.socket(target, (await read(socketWish, entry)).path) },
  { endpoint: 'HostList', route: 'GET /hosts', by: 'operator', does: 'lists the hosts, what is reserved on them and what they lack', work: (control) => control.hosts.list() },
  { endpoint: 'HostAdd', route: 'POST /hosts', by: 'operator', status: 201, does: 'adds an engine', work: async (control, { entry }) => control.hosts.add(await read(hostWish, entry)) },
  { endpoint: 'HostDrain', route: 'POST /hosts/:id/drain', by: 'operator', does: 'places no more namespaces on a host', work: (control, { target }) => control.hosts.drain(target, true) },
  { endpoint: 'HostResume', route: 'POST /hosts/:id/resume', by: 'operator', does: 'places namespaces on it again', work: (control, { target }) => control.hosts.drain(target, false) },
  { endpoint: 'HostRemove', route: 'DELETE /hosts/:id', by: 'operator', does: 'forgets a host on which no namespace lives', work: (control, { target }) => control.hosts.remove(target) },
  { endpoint: 'TokenList', route: 'GET /tokens', by: 'operator', does: 'lists the tokens that operators made', work: (control) => control.tokens.list() },
  { endpoint: 'TokenCreate', route: 'POST /tokens', by: 'operator', status: 201, does: 'makes a token and answers it, once', work: async (control, { entry }) => control.tokens.create(await read(tokenWish, entry)) },
  { endpoint: 'TokenRevoke', route: 'DELETE /tokens/:id', by: 'operator', does: 'ends a token', work: (control, { target }) => control.tokens.revoke(target) },
  { endpoint: 'Explain', route: 'POST /explain', by: 'operator', does: 'tells what would become of a request of the Docker API', work: async (control, { entry }) => control.explain(await read(question, entry)) },
]

/** Mounts them. */
export function mountControl(control: Control, house: Pick<House, 'now' | 'observe'>): <E extends { Bindings: Entry }>(app: Hono<E>) => void {
  return (app) => {
    for (const { endpoint, route, by: wanted, status = 200, work } of controlRows) {
      const [method, path] = route.split(' ') as [string, string]
      app.on(method, path, (c) => {
        const entry = c.env as Entry
        const target = c.req.param('id' as never) ?? ''
        return observed(house, { endpoint, target, namespace: entry.namespace, method, trace: undefined }, async () => {
          const borne = wanted === 'namespace' ? noBearer : await bearer(control, entry)
          if (wanted === 'operator' && !borne.opener.operator) throw new Refusal(403, `this endpoint is for operators, and ${borne.opener.name} is none`)
          return c.json(await work(control, { entry, target, by: borne.opener, use: borne.use }) as object, status)
        })
      })
    }
  }
}

function ownNamespace({ namespace }: Entry): string {
  if (namespace === undefined) throw new Refusal(401, 'no namespace: this connection has no client certificate of one')
  return namespace
}

/** Where the certificate is what counts. */
const noBearer: Awaited<ReturnType<typeof bearer>> = { opener: { name: 'namespace', operator: false, grant: undefined }, use: async () => async () => {} }

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
