import type { Call } from '../endpoint.ts'
import { compareVersions } from '../go.ts'
import { bridgeName } from '../names.ts'

/** Networks that every engine has. A namespace's `bridge` becomes a real one when it is first used; `host` and `none` are only shown. */
export const builtinNames = [bridgeName, 'host', 'none'] as const

/** Is this the job name of one of them? */
export function isBuiltin(name: string): boolean {
  return (builtinNames as readonly string[]).includes(name)
}

const drivers = { bridge: 'bridge', host: 'host', none: 'null' } as const

/** Options the engine shows of its own bridge. */
const bridgeOptions = {
  'com.docker.network.bridge.default_bridge': 'true',
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
  'com.docker.network.bridge.name': 'docker0',
  'com.docker.network.driver.mtu': '1500',
}

/** One of the networks every engine has, as `GET /networks` shows it before anything is on it. */
export async function builtin(call: Call, name: (typeof builtinNames)[number]): Promise<Record<string, unknown>> {
  const since = (version: string) => compareVersions(call.host.facts().apiVersion, version) >= 0
  return {
    Name: name, Id: await builtinId(call.ns, name), Created: new Date(call.namespace.opened).toISOString(), Scope: 'local', Driver: drivers[name],
    ...(since('1.47') && { EnableIPv4: true }),
    EnableIPv6: false, IPAM: { Driver: 'default', Options: null, Config: name === bridgeName || !since('1.44') ? [] : null },
    Internal: false, Attachable: false, Ingress: false, ConfigFrom: { Network: '' }, ConfigOnly: false,
    Containers: {}, Options: name === bridgeName ? bridgeOptions : {}, Labels: {},
  }
}

/** An id that is the namespace's own and stays the same. */
async function builtinId(ns: string, name: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${ns}.${name}`))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The built-in network a job's string names, when that is not (yet) a real one. */
export async function namedBuiltin(call: Call, term: string): Promise<Record<string, unknown> | undefined> {
  const real = await call.store.byName(call.ns, 'network', bridgeName)
  const candidates = builtinNames.filter((name) => name !== bridgeName || real?.id === undefined)
  for (const name of candidates) {
    const network = await builtin(call, name)
    if (term === name || (/^[0-9a-f]{12,64}$/.test(term) && (network.Id as string).startsWith(term))) return network
  }
  return undefined
}

/** A network as the job may see it; its own bridge looks like an engine's. The answer is in job names already. */
export function presentNetwork(network: any): any {
  return network.Name === bridgeName ? { ...network, Options: bridgeOptions } : network
}
