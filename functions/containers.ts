import { jsonBody } from '../lib/body.ts'
import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { missing } from '../lib/missing.ts'
import { isSignal } from '../lib/go/signal.ts'
import type { WantedPorts } from '../lib/ports.ts'
import { flag, optionalFlag, text } from '../lib/query.ts'
import { Refusal } from '../lib/refusal.ts'
import { containerUpdateSchema, type ContainerUpdate } from '../lib/schemas/container-update.ts'
import { forcedUpdate } from '../lib/schemas/defaults.ts'
import { followName, renameContainer } from '../lib/containers/rename.ts'
import { psArguments } from '../lib/containers/top.ts'
import { presentContainer } from '../lib/containers/present.ts'
import { at } from '../lib/engine-path.ts'
import { resizeQuery } from '../lib/terminal.ts'
import { containerCreate } from './container-create.ts'
import { containerList, containerPrune } from './container-list.ts'

/** A row that only turns the job's string into the id. */
function plain(name: string, method: 'GET' | 'POST', verb: string): Endpoint {
  return endpoint({ name, route: `${method} /containers/:id{.+}/${verb}`, owns: 'container', plan: ({ id }) => ({ path: at`/containers/${id}/${verb}` }) })
}

/** Before a start: a port that cannot be had fails the start, as it does on an engine. */
async function takePorts({ ports, host, ns, id, claim }: Call): Promise<void> {
  const wanted = claim?.facts.ports as WantedPorts | undefined
  if (wanted !== undefined && host.publishOn !== undefined) await ports.take(host, { ns, id, name: claim!.name }, wanted)
}

/** After it: whoever gets the answer may dial at once. */
async function openPorts(_answer: unknown, { ports, host, ns, id, claim }: Call): Promise<void> {
  if (claim?.facts.ports !== undefined) await ports.refresh(host, ns, id)
}

/** A host that was started anew has lost its control groups, which a container that is there already needs as well. */
async function limited({ host, namespace, policy }: Call): Promise<void> {
  await host.groups.containers(namespace, policy)
}

const waitConditions = ['', 'not-running', 'next-exit', 'removed']

/** Endpoints on containers (Engine API, tag Container; engine-api.md A.2). */
export const containers: readonly Endpoint[] = [
  containerList,
  containerPrune,
  containerCreate,
  endpoint({
    name: 'ContainerInspect', route: 'GET /containers/:id{.+}/json', owns: 'container', query: { size: flag() },
    plan: ({ id, query }) => ({ path: at`/containers/${id}/json`, query: { size: query.size || undefined } }),
    present: presentContainer,
  }),
  endpoint({
    name: 'ContainerTop', route: 'GET /containers/:id{.+}/top', owns: 'container', query: { ps_args: psArguments },
    plan: ({ id, query }) => ({ path: at`/containers/${id}/top`, query }),
  }),
  endpoint({
    name: 'ContainerLogs', route: 'GET /containers/:id{.+}/logs', owns: 'container', travels: 'raw',
    query: { follow: flag(), stdout: flag(), stderr: flag(), timestamps: flag(), details: flag(), since: text, until: text, tail: text },
    plan: ({ id, query }) => ({ path: at`/containers/${id}/logs`, query }),
  }),
  plain('ContainerChanges', 'GET', 'changes'),
  { ...plain('ContainerExport', 'GET', 'export'), travels: 'raw' },
  endpoint({
    name: 'ContainerStats', route: 'GET /containers/:id{.+}/stats', owns: 'container', travels: 'lines',
    query: { stream: flag(true), 'one-shot': flag() },
    plan: ({ id, query }) => ({ path: at`/containers/${id}/stats`, query }),
  }),
  endpoint({
    name: 'ContainerResize', route: 'POST /containers/:id{.+}/resize', owns: 'container', query: resizeQuery,
    plan: ({ id, query }) => ({ path: at`/containers/${id}/resize`, query }),
  }),
  endpoint({
    name: 'ContainerStart', route: 'POST /containers/:id{.+}/start', owns: 'container', query: { detachKeys: text },
    async plan(call) {
      await limited(call)
      await followName(call)
      await takePorts(call)
      return { path: at`/containers/${call.id}/start`, query: call.query }
    },
    claims: openPorts,
  }),
  endpoint({
    name: 'ContainerStop', route: 'POST /containers/:id{.+}/stop', owns: 'container', query: { t: text, signal: text },
    plan: ({ id, query }) => ({ path: at`/containers/${id}/stop`, query }),
  }),
  endpoint({
    name: 'ContainerRestart', route: 'POST /containers/:id{.+}/restart', owns: 'container', query: { t: text, signal: text },
    async plan(call) {
      await limited(call)
      await takePorts(call)
      return { path: at`/containers/${call.id}/restart`, query: call.query }
    },
    claims: openPorts,
  }),
  endpoint({
    name: 'ContainerKill', route: 'POST /containers/:id{.+}/kill', owns: 'container', query: { signal: text },
    unknown: (term, { signal }) => signal === undefined || isSignal(signal)
      ? new Refusal(404, `cannot kill container: ${term}: No such container: ${term}`)
      : new Refusal(400, `cannot kill container: ${term}: invalid signal: ${signal}`),
    plan: ({ id, query }) => ({ path: at`/containers/${id}/kill`, query }),
  }),
  plain('ContainerPause', 'POST', 'pause'),
  plain('ContainerUnpause', 'POST', 'unpause'),
  endpoint({
    name: 'ContainerWait', route: 'POST /containers/:id{.+}/wait', owns: 'container', travels: 'lines', query: { condition: text },
    plan({ id, query }) {
      if (!waitConditions.includes(query.condition ?? '')) throw new Refusal(400, `invalid condition: ${JSON.stringify(query.condition)}`)
      return { path: at`/containers/${id}/wait`, query }
    },
  }),
  endpoint({
    name: 'ContainerRename', route: 'POST /containers/:id{.+}/rename', owns: 'container', query: { name: text },
    answer: renameContainer,
  }),
  endpoint({
    name: 'ContainerUpdate', route: 'POST /containers/:id{.+}/update', owns: 'container', body: jsonBody(containerUpdateSchema),
    plan: ({ id, body, policy }: Call<unknown, ContainerUpdate>) => ({ path: at`/containers/${id}/update`, body: forcedUpdate(body, policy) }),
    claims: rememberUpdate,
  }),
  endpoint({
    name: 'ContainerRemove', route: 'DELETE /containers/:id{.+}', owns: 'container', query: { v: flag(), force: flag(), link: flag() },
    plan({ id, query }) {
      if (query.link) throw new Refusal(403, 'link is not allowed in this namespace: it removes link names, not containers; put the containers on a network of your own and use its aliases', 'link')
      return { path: at`/containers/${id}`, query: { v: query.v, force: query.force } }
    },
    releases: true,
  }),
  endpoint({
    name: 'ContainerAttach', route: 'POST /containers/:id{.+}/attach', owns: 'container', travels: 'hijack',
    query: { detachKeys: text, logs: flag(), stream: flag(), stdin: flag(), stdout: flag(), stderr: flag() },
    unknown: (term) => ({ status: 404, body: `${missing.container(term).message}\r\n`, headers: { 'Content-Type': 'application/vnd.docker.raw-stream', Connection: 'close' } }),
    plan: ({ id, query }) => ({ path: at`/containers/${id}/attach`, query }),
  }),
  endpoint({
    name: 'ContainerAttachWebsocket', route: 'GET /containers/:id{.+}/attach/ws', owns: 'container',
    answer: () => { throw new Refusal(403, 'attach/ws is not allowed in this namespace: WebSockets are not relayed; use POST /containers/{id}/attach with an upgrade') },
  }),
  ...archives(),
]

function archives(): Endpoint[] {
  const query = { path: text, noOverwriteDirNonDir: optionalFlag, copyUIDGID: optionalFlag }
  const plan = ({ id, query }: Call<{ path: string | undefined; noOverwriteDirNonDir?: boolean; copyUIDGID?: boolean }>) => ({ path: at`/containers/${id}/archive`, query })
  const route = '/containers/:id{.+}/archive' as const
  return [
    endpoint({ name: 'ContainerArchiveInfo', route: `HEAD ${route}`, owns: 'container', travels: 'raw', query: { path: text }, plan }),
    endpoint({ name: 'ContainerArchive', route: `GET ${route}`, owns: 'container', travels: 'raw', query: { path: text }, plan }),
    endpoint({ name: 'PutContainerArchive', route: `PUT ${route}`, owns: 'container', upload: true, query, plan }),
  ]
}

/** What the job asked for is what it is shown, also where the policy's limit was sent instead. */
async function rememberUpdate(_answer: unknown, { store, claim, body }: Call<unknown, ContainerUpdate>): Promise<void> {
  const echo = claim?.facts.echo as Record<string, unknown> | undefined
  if (echo === undefined || claim?.id === undefined) return
  const asked = Object.fromEntries(Object.entries(body).filter(([field, value]) => field in echo && value !== 0))
  await store.claim({ ns: claim.ns, kind: 'container', name: claim.name, id: claim.id, facts: { ...claim.facts, echo: { ...echo, ...asked } } })
}
