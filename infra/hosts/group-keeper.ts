import { buildGroup, limitsOf, type GroupMode } from '../../lib/groups/groups.ts'
import { removeOldHelpers } from '../../lib/groups/helper.ts'
import type { GroupLimits } from '../../lib/groups/layout.ts'
import { groupNames, type GroupNames } from '../../lib/groups/names.ts'
import { defaultPolicy, type Policy } from '../../lib/policy.ts'
import type { Namespace, Store } from '../../lib/store.ts'
import type { LiveHost } from './host.ts'

/** What one gateway does about the control groups of all its hosts. */
export interface GroupKeeper {
  readonly mode: GroupMode
  names(): Promise<GroupNames>
  /** Makes the groups of a host agree with the store: those of open namespaces are there, those of nobody go. Throws nothing. */
  tend(host: LiveHost): Promise<void>
}

export interface KeeperParts {
  mode: GroupMode
  store: Store
  policy(name: string): Policy
  /** The farm's, the same on all its gateways. */
  secret: string
  /** Hears what a look that is done again later failed of. */
  onDefect(what: string, error: unknown): void
}

/** For what nobody says limits of any more; as many processes as a kernel can have. */
const unlimited: Policy = { ...defaultPolicy, limits: { ...defaultPolicy.limits, pids: 2 ** 22 } }

/** Seconds a helper container may be there; its gateway is gone when it is older. */
const helperAge = 600

export function groupKeeper({ mode, store, policy, secret, onDefect }: KeeperParts): GroupKeeper {
  const derived = groupNames(secret)
  const names = () => derived

  /** A policy may be gone from the config while its namespaces live. */
  const policyOf = ({ policy: name }: Namespace): Policy => {
    try {
      return policy(name)
    } catch {
      return unlimited
    }
  }

  async function alive(): Promise<ReadonlyMap<string, GroupLimits>> {
    const namespaces = await store.namespaces()
    const builds = await Promise.all(namespaces.map(async (namespace) => buildGroup(await names(), namespace, policyOf(namespace))))
    return new Map([
      ...builds.map(({ group, limits }) => [group, limits] as const),
      ...namespaces.map((namespace) => [namespace.id, limitsOf(policyOf(namespace))] as const),
    ])
  }

  return {
    mode, names,
    async tend(host) {
      if (mode === 'off') return
      try {
        for (const namespace of await store.namespaces(host.name)) {
          if (namespace.state === 'open') host.groups.prepare(namespace, policyOf(namespace))
        }
        await host.groups.sweep(alive)
        await removeOldHelpers(host, Date.now() / 1000 - helperAge)
      } catch (error) {
        // The next look finds what this one left.
        if (host.up()) onDefect(`to tend the control groups of host ${host.name}`, error)
      }
    },
  }
}
