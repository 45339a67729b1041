import type { Call } from '../endpoint.ts'
import { bridgeName } from '../names.ts'
import { publishedIn, shownPortMap, shownSummaryPorts, type Published, type SummaryPort } from '../ports.ts'
import type { Claim, Facts } from '../store.ts'

/** What a private engine's data root is called; the host's own is nobody's business. */
const usualRoot = '/var/lib/docker'

/** `GET /containers/{id}/json` as a private engine would answer (engine-api.md C.1). The answer is in job names already. */
export async function presentContainer(answer: any, call: Call): Promise<unknown> {
  const facts = call.claim?.facts ?? {}
  const root = String(call.host.facts().info.DockerRootDir ?? usualRoot)
  answer.Config.Image = facts.image ?? answer.Config.Image
  Object.assign(answer.HostConfig, facts.echo, { CgroupParent: '' })
  // The engine leaves these out when they are empty.
  for (const field of ['Tmpfs', 'Mounts']) if (answer.HostConfig[field] === null) delete answer.HostConfig[field]
  for (const field of ['ResolvConfPath', 'HostnamePath', 'HostsPath', 'LogPath']) answer[field] = underUsualRoot(answer[field], root)
  presentMounts(answer.Mounts, root)
  for (const data of [answer.GraphDriver?.Data ?? {}]) for (const key of Object.keys(data)) data[key] = underUsualRoot(data[key], root)
  if (answer.NetworkSettings) presentNetworks(answer.NetworkSettings, call.claim)
  const published = publishedIn(answer.NetworkSettings?.Ports)
  if (published.length > 0) {
    await relayed(call, call.id, published)
    answer.NetworkSettings.Ports = shownPortMap(answer.NetworkSettings.Ports, (port, hostPort) => call.ports.dialled(call.id, port, hostPort))
  }
  return answer
}

/** The only paths of the host that are ever bound are sockets of the namespace. */
function presentMounts(mounts: readonly { Type: string; Source?: unknown }[] | null | undefined, root: string): void {
  for (const mount of mounts ?? []) if (mount.Source !== undefined) mount.Source = mount.Type === 'bind' ? '/var/run/docker.sock' : underUsualRoot(mount.Source, root)
}

/** A start that this gateway has not heard of yet is caught up with, so that nothing is shown that cannot be dialled. */
async function relayed(call: Call, container: string, published: readonly Pick<Published, 'port' | 'hostPort'>[]): Promise<void> {
  const unknown = published.some(({ port, hostPort }) => call.ports.dialled(container, port, hostPort).length === 0)
  if (unknown) await call.ports.refresh(call.host, call.ns, container)
}

/** A path of the engine's with its data root called what a private engine calls it. */
export function underUsualRoot(path: unknown, root: string): unknown {
  return typeof path === 'string' && root !== usualRoot ? path.replaceAll(`${root}/`, `${usualRoot}/`) : path
}

/** The default network's addresses, which the engine repeats at the top only for its own bridge. */
const repeated = ['Gateway', 'GlobalIPv6Address', 'GlobalIPv6PrefixLen', 'IPAddress', 'IPPrefixLen', 'IPv6Gateway', 'MacAddress', 'EndpointID'] as const

function presentNetworks(settings: any, claim: Claim | undefined): void {
  settings.SandboxKey = typeof settings.SandboxKey === 'string' ? settings.SandboxKey.replace(/^.*\/netns\//, '/var/run/docker/netns/') : settings.SandboxKey
  presentEndpoints(settings.Networks, claim?.name, claim?.facts)
  const bridge = settings.Networks?.[bridgeName]
  if (bridge && 'IPAddress' in settings) for (const field of repeated) settings[field] = bridge[field]
}

/** Endpoints without what the gateway added: the job name as alias (unless the job sent it itself), its repetition among the DNS names. */
function presentEndpoints(networks: Record<string, any> | null | undefined, name: string | undefined, facts: Facts | undefined): void {
  for (const [network, endpoint] of Object.entries(networks ?? {})) {
    if (!endpoint) continue
    if (Array.isArray(endpoint.Aliases) && facts?.aliased !== true) {
      const aliases = endpoint.Aliases.filter((alias: string) => alias !== name)
      endpoint.Aliases = aliases.length === 0 || network === bridgeName ? null : aliases
    }
    if (Array.isArray(endpoint.DNSNames)) endpoint.DNSNames = network === bridgeName ? null : [...new Set(endpoint.DNSNames)]
  }
}

/** One entry of `GET /containers/json` (engine-api.md C.1). */
export async function presentSummary(summary: any, claim: Claim | undefined, call: Call): Promise<any> {
  // The engine shows the id instead of the name when the reference has moved to another image.
  if (typeof claim?.facts.image === 'string' && !/^sha256:/.test(summary.Image)) summary.Image = claim.facts.image
  presentEndpoints(summary.NetworkSettings?.Networks, claim?.name, claim?.facts)
  presentMounts(summary.Mounts, String(call.host.facts().info.DockerRootDir ?? usualRoot))
  const published = ((summary.Ports ?? []) as SummaryPort[]).filter(({ PublicPort }) => PublicPort !== undefined)
  if (published.length > 0) {
    await relayed(call, summary.Id, published.map(({ PrivatePort, Type, PublicPort }) => ({ port: `${PrivatePort}/${Type}`, hostPort: PublicPort! })))
    summary.Ports = shownSummaryPorts(summary.Ports, (port, hostPort) => call.ports.dialled(summary.Id, port, hostPort))
  }
  return summary
}
