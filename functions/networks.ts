import { jsonBody } from '../lib/body.ts'
import { storedEndpoint } from '../lib/containers/network.ts'
import { endpoint, type Call, type Endpoint } from '../lib/endpoint.ts'
import { at } from '../lib/engine-path.ts'
import { ensureBridge, owned } from '../lib/ensure.ts'
import { announcePrune } from '../lib/events.ts'
import { networkFilterKeys, networkMatcher, type NetworkSummary } from '../lib/filters/networks.ts'
import { parseFilters } from '../lib/filters/parse.ts'
import { matchPrune, pruneFilterKeys, pruneUntil } from '../lib/filters/prune.ts'
import { parseBoolStrict } from '../lib/go.ts'
import { bridgeName, storedName } from '../lib/names.ts'
import { builtin, builtinNames, isBuiltin, namedBuiltin, presentNetwork } from '../lib/networks/builtin.ts'
import { text } from '../lib/query.ts'
import { Refusal } from '../lib/refusal.ts'
import { networkConnect, type NetworkConnect } from '../lib/schemas/network-connect.ts'
import { networkCreateSchema, type NetworkCreate } from '../lib/schemas/network-create.ts'
import { networkDisconnect, type NetworkDisconnect } from '../lib/schemas/network-disconnect.ts'
import type { Claim } from '../lib/store.ts'

const createSchema = networkCreateSchema()

const strictFlag = (values: readonly string[] | undefined) => values?.[0] === undefined || values[0] === '' ? undefined : parseBoolStrict(values[0])

/** Endpoints on networks (Engine API, tag Network; engine-api.md A.5, B.7). */
export const networks: readonly Endpoint[] = [
  ...(['GET /networks', 'GET /networks/'] as const).map((route) => endpoint({
    name: 'NetworkList', route, query: { filters: text },
    answer: async (call) => ({ status: 200, body: await list(call) }),
  })),
  endpoint({
    name: 'NetworkCreate', route: 'POST /networks/create', body: jsonBody(() => createSchema),
    plan: ({ ns, body }: Call<unknown, NetworkCreate>) => ({
      path: at`/networks/create`,
      body: { ...body, Name: storedName(ns, body.Name!), CheckDuplicate: true, Labels: owned(ns, body.Labels) },
      reserve: { kind: 'network', name: body.Name!, taken: () => new Refusal(409, `network with name ${body.Name} already exists`) },
    }),
  }),
  endpoint({
    name: 'NetworkPrune', route: 'POST /networks/prune', query: { filters: text },
    answer: async (call) => ({ status: 200, body: { NetworksDeleted: await prune(call) } }),
  }),
  endpoint({
    name: 'NetworkConnect', route: 'POST /networks/:id{.+}/connect', body: jsonBody(() => networkConnect),
    answer: connect,
  }),
  endpoint({
    name: 'NetworkDisconnect', route: 'POST /networks/:id{.+}/disconnect', body: jsonBody(() => networkDisconnect),
    answer: disconnect,
  }),
  endpoint({
    name: 'NetworkInspect', route: 'GET /networks/:id{.+}', query: { verbose: strictFlag, scope: text },
    async answer(call) {
      const shown = await namedBuiltin(call, call.term)
      if (shown && shown.Name !== bridgeName) return { status: 200, body: shown }
      // Who asks for the default network wants its addresses, which it has only once it is real.
      const { id } = shown ? await ensureBridge(call) : await named(call)
      return { status: 200, body: presentNetwork(await call.ask({ method: 'GET', path: at`/networks/${id}`, query: call.query })) }
    },
  }),
  endpoint({
    name: 'NetworkRemove', route: 'DELETE /networks/:id{.+}',
    async answer(call) {
      const shown = await namedBuiltin(call, call.term)
      const claim = shown ? { name: shown.Name as string, id: '' } : await named(call)
      if (isBuiltin(claim.name)) throw new Refusal(403, `${claim.name} is a pre-defined network and cannot be removed`)
      await call.ask({ method: 'DELETE', path: at`/networks/${claim.id}` })
      await call.store.release(call.ns, 'network', claim.name)
      return { status: 204 }
    },
  }),
]

/** The network the path names. GET words an ambiguous prefix differently from the others. */
async function named(call: Call): Promise<Claim & { id: string }> {
  return call.resolve.network(call.term)
}

/** Own networks as the engine lists them, then the built-in ones that are not real. */
async function ownNetworks(call: Call): Promise<any[]> {
  const claims = await call.store.claims(call.ns, 'network')
  const ids = new Set(claims.map((claim) => claim.id!))
  const real: any[] = ids.size === 0 ? [] : await call.ask({ method: 'GET', path: at`/networks`, query: { filters: JSON.stringify({ id: [...ids] }) } })
  const hasBridge = claims.some((claim) => claim.name === bridgeName)
  const shown = await Promise.all(builtinNames.filter((name) => name !== bridgeName || !hasBridge).map((name) => builtin(call, name)))
  return [...real.filter((network) => ids.has(network.Id)).map(presentNetwork), ...shown]
}

async function list(call: Call<{ filters: string | undefined }>): Promise<NetworkSummary[]> {
  const filters = parseFilters(call.query.filters, networkFilterKeys)
  const matches = networkMatcher(filters)
  const all = await ownNetworks(call)
  if (filters.has('dangling')) for (const network of all) network.Containers = await containersOn(call, network)
  return all.filter(matches)
}

/** The engine's list leaves `Containers` empty; whether a network is dangling only inspecting tells. */
async function containersOn(call: Call, network: any): Promise<unknown> {
  if (await namedBuiltin(call, network.Id)) return network.Containers
  return (await call.ask({ method: 'GET', path: at`/networks/${network.Id}` })).Containers
}

async function prune(call: Call<{ filters: string | undefined }>): Promise<string[] | null> {
  const filters = parseFilters(call.query.filters, pruneFilterKeys)
  const until = pruneUntil(filters, call.now)
  const deleted: string[] = []
  for (const network of await ownNetworks(call)) {
    const created = Date.parse(network.Created) / 1000
    if (isBuiltin(network.Name) || !matchPrune(filters, network.Labels, created, until)) continue
    if (Object.keys((await call.ask({ method: 'GET', path: at`/networks/${network.Id}` })).Containers ?? {}).length > 0) continue
    // A container may have come meanwhile; then the engine keeps the network.
    const answer = await call.host.call({ method: 'DELETE', path: at`/networks/${network.Id}` })
    if (answer.status >= 300) continue
    await call.store.release(call.ns, 'network', network.Name)
    deleted.push(network.Name)
  }
  announcePrune(call as Call, 'network', 0)
  return deleted.length === 0 ? null : deleted
}

async function target(call: Call, what: 'connect container to' | 'disconnect container from'): Promise<Claim & { id: string }> {
  if (call.term === bridgeName) return ensureBridge(call)
  const shown = await namedBuiltin(call, call.term)
  if (shown?.Name === bridgeName) return ensureBridge(call)
  if (shown?.Name === 'host') throw new Refusal(400, `cannot ${what} host network - container must be created in host network mode`)
  if (shown?.Name === 'none') throw new Refusal(400, 'container cannot be connected to multiple networks with one of the networks in private (none) mode')
  return named(call)
}

/** The engine looks for the container before it looks for the network. */
async function connect(call: Call<unknown, NetworkConnect>) {
  const container = await call.resolve.container(termOf(call.body))
  const network = await target(call as Call, 'connect container to')
  const settings = await storedEndpoint(call as Call, storedName(call.ns, network.name), call.body.EndpointConfig ?? {}, container.name)
  await call.ask({ method: 'POST', path: at`/networks/${network.id}/connect`, body: { Container: container.id, EndpointConfig: settings } })
  return { status: 200 }
}

function termOf({ Container: term = '' }: { Container?: string }): string {
  if (term === '') throw new Refusal(400, 'invalid name or ID supplied: ""')
  return term
}

async function disconnect(call: Call<unknown, NetworkDisconnect>) {
  const { Force = false } = call.body
  const term = termOf(call.body)
  const container = await call.resolve.container(term).catch((error) => {
    if (Force && error instanceof Refusal && error.status === 404) throw new Refusal(404, `endpoint ${term} not found`)
    throw error
  })
  const network = await target(call as Call, 'disconnect container from')
  await call.ask({ method: 'POST', path: at`/networks/${network.id}/disconnect`, body: { Container: container.id, Force } })
  return { status: 200 }
}
