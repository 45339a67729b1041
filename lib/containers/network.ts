import type { Call } from '../endpoint.ts'
import { ensureBridge } from '../ensure.ts'
import { bridgeName, storedName } from '../names.ts'
import { Refusal } from '../refusal.ts'
import { parseLink } from '../schemas/addresses.ts'
import type { ContainerCreate } from '../schemas/container-create.ts'
import { parseNetworkMode } from '../schemas/modes.ts'
import { checkContainerName } from '../schemas/names.ts'

type Endpoints = NonNullable<NonNullable<ContainerCreate['NetworkingConfig']>['EndpointsConfig']>
export type EndpointSettings = Endpoints[string]

/** Where a new container goes on the engine. */
export interface Networking {
  mode: string
  endpoints: Endpoints | undefined
}

const defaultKeys = ['', 'default', bridgeName]

/**
 * Network mode and endpoints in stored names (engine-api.md B.3 NetworkMode, B.4). The engine wants the same string in both places.
 * Names that do not resolve are sent in stored form: the engine accepts them at create and refuses at start, as it does for everybody.
 */
export async function networking(call: Call, body: ContainerCreate, name: string): Promise<Networking> {
  const { HostConfig: hostConfig = {}, NetworkingConfig: config = {} } = body
  const wanted = hostConfig.NetworkMode ?? ''
  const mode = await storedMode(call, wanted)
  if (mode === 'none' || mode.startsWith('container:')) return { mode, endpoints: undefined }
  const links = hostConfig.Links ?? []
  const endpoints: Endpoints = {}
  for (const [key, settings] of Object.entries(config.EndpointsConfig ?? {})) {
    const stored = await storedKey(call, key, wanted, mode)
    if (stored === undefined) continue
    if (endpoints[stored] !== undefined) throw new Refusal(400, `NetworkingConfig.EndpointsConfig names the network ${JSON.stringify(key)} twice; name it once`, 'NetworkingConfig.EndpointsConfig')
    endpoints[stored] = await storedEndpoint(call, stored, settings, name)
  }
  endpoints[mode] ??= await storedEndpoint(call, mode, {}, name)
  if (links.length > 0) endpoints[mode] = { ...endpoints[mode], Links: [...new Set([...endpoints[mode]!.Links ?? [], ...await storedLinks(call, mode, links)])] }
  return { mode, endpoints }
}

async function storedMode(call: Call, wanted: string): Promise<string> {
  const mode = parseNetworkMode(wanted)
  if (mode.kind === 'none') return 'none'
  if (mode.kind === 'default') return storedName(call.ns, (await ensureBridge(call)).name)
  if (mode.kind === 'container') return `container:${await containerOrStored(call, mode.ref)}`
  return networkOrStored(call, mode.name)
}

async function storedKey(call: Call, key: string, wanted: string, mode: string): Promise<string | undefined> {
  if (key === 'none') return undefined
  if (key === 'host') throw new Refusal(400, 'NetworkingConfig.EndpointsConfig: host is not a network here; create one and use its name', 'NetworkingConfig.EndpointsConfig')
  if (key === wanted) return mode
  if (!defaultKeys.includes(key)) return networkOrStored(call, key)
  // Clients leave a stale default key beside a network of their own; the engine would fail at start because of it.
  return defaultKeys.includes(wanted) ? mode : key === bridgeName ? storedName(call.ns, (await ensureBridge(call)).name) : undefined
}

/** An unknown reference in the form that only this namespace could have made, so that the engine's "no such" is about it. */
async function containerOrStored(call: Call, term: string): Promise<string> {
  return orMissing(call.resolve.container(term).then((claim) => claim.id), storedName(call.ns, term))
}

async function networkOrStored(call: Call, term: string): Promise<string> {
  if (term === bridgeName) return storedName(call.ns, (await ensureBridge(call)).name)
  return orMissing(call.resolve.network(term).then((claim) => storedName(call.ns, claim.name)), storedName(call.ns, term))
}

function orMissing(found: Promise<string>, otherwise: string): Promise<string> {
  return found.catch((error) => {
    if (error instanceof Refusal && error.status === 404) return otherwise
    throw error
  })
}

/**
 * Endpoint settings for one of the namespace's networks: the job name becomes an alias, links go to stored names.
 * Throws the engine's 400 for a fixed address on the default network.
 */
export async function storedEndpoint(call: Call, network: string, settings: EndpointSettings, name: string): Promise<EndpointSettings> {
  const fixed = settings.IPAMConfig && (settings.IPAMConfig.IPv4Address || settings.IPAMConfig.IPv6Address)
  if (fixed && network === storedName(call.ns, bridgeName)) {
    throw new Refusal(400, 'invalid config for network bridge: invalid endpoint settings:\n'
      + '* user specified IP address is supported on user defined networks only\n'
      + '* user specified IP address is supported only when connecting to networks with user configured subnets')
  }
  return {
    ...settings,
    Aliases: [...new Set([...settings.Aliases ?? [], name])],
    ...(settings.Links ? { Links: await storedLinks(call, network, settings.Links) } : {}),
  }
}

/** On networks of one's own a link may come before its container does, on the default one it may not. */
async function storedLinks(call: Call, network: string, links: readonly string[]): Promise<string[]> {
  return Promise.all(links.map(async (link) => {
    const { ref, alias } = parseLink(link)
    const found = await orMissing(call.resolve.container(ref).then((claim) => storedName(call.ns, claim.name)), '')
    if (found === '' && network === storedName(call.ns, bridgeName)) throw new Refusal(400, `could not get container for ${ref}: No such container: ${ref}`)
    return `${found || storedName(call.ns, checkContainerName(ref))}:${alias}`
  }))
}
