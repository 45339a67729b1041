import type { HostFacts } from './engine.ts'
import { compareVersions } from './go.ts'

/** What is asked of an engine before namespaces are placed on it. */
export const checks = ['version', 'icc', 'entitlements', 'pools'] as const
export type Check = (typeof checks)[number]

/** What becomes of a host with a shortfall: it takes no namespaces, the operator is told, or nothing. */
export type Verdict = 'refuse' | 'warn' | 'ignore'
export type Admission = Readonly<Record<Check, Verdict>>

/** Something an engine lacks, why that matters and what to write into its daemon.json, or to do. */
export interface Shortfall {
  check: Check
  why: string
  remedy: string
}

/** What is known of an engine beyond its facts. */
export interface Findings {
  /** Options of the network `bridge`. */
  bridge: Readonly<Record<string, string>>
  /** Whether builds may ask for the host's network. */
  grantsHostNetwork: boolean
}

/** Oldest engine whose answers the schemas were written for. */
const oldestEngine = '20.10'

/** Networks an engine should have room for: a namespace has one or a few, and hundreds live on a large host. */
const enoughNetworks = 1024

/** What the engine lacks (dockerd's daemon.json: icc, builder.Entitlements, default-address-pools). */
export function shortfalls({ engineVersion, info }: HostFacts, { bridge, grantsHostNetwork }: Findings): Shortfall[] {
  const networks = roomForNetworks(info.DefaultAddressPools)
  const found: (Shortfall | false)[] = [
    compareVersions(engineVersion, oldestEngine) < 0 && {
      check: 'version', why: `Engine ${engineVersion} is older than ${oldestEngine}`, remedy: `install Docker Engine ${oldestEngine} or newer`,
    },
    bridge['com.docker.network.bridge.enable_icc'] !== 'false' && {
      check: 'icc', why: 'build steps of different namespaces reach each other on docker0', remedy: 'in daemon.json: "icc": false',
    },
    grantsHostNetwork && {
      check: 'entitlements', why: 'the engine grants builds the host\'s network',
      remedy: 'in daemon.json: "builder": {"Entitlements": {"network-host": false}}',
    },
    networks < enoughNetworks && {
      check: 'pools', why: `the engine's address pools hold ${networks} networks; every namespace takes one or more`,
      remedy: 'in daemon.json: "default-address-pools": [{"base": "10.200.0.0/13", "size": 26}]',
    },
  ]
  return found.filter((one) => one !== false)
}

/** Networks in the engine's own pools: fifteen of 172.17.0.0/16 and on, sixteen of 192.168.0.0/16 (moby, libnetwork/ipamutils). */
const ownNetworks = 31

function roomForNetworks(pools: unknown): number {
  if (!Array.isArray(pools) || pools.length === 0) return ownNetworks
  return pools.reduce((sum, { Base, Size }: { Base: string; Size: unknown }) => {
    const prefix = Number(Base.split('/')[1])
    // Of IPv6 there is always enough, and no namespace asks for it.
    return Base.includes(':') ? sum : sum + 2 ** Math.max(Number(Size) - prefix, 0)
  }, 0)
}
