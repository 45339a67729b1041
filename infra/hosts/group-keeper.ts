import { limitsOf, type GroupMode } from '../../lib/groups/groups.ts'
import { removeOldHelpers } from '../../lib/groups/helper.ts'
import type { GroupLimits } from '../../lib/groups/layout.ts'
import { groupNames, type GroupNames } from '../../lib/groups/names.ts'
import type { Policy } from '../../lib/policy.ts'
import type { Store } from '../../lib/store.ts'
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
  /** What the farm's secret becomes when this gateway is the first of the farm. */
  secret: string
}

/** Seconds a helper container may be there; its gateway is gone when it is older. */
const helperAge = 600

export function groupKeeper({ mode, store, policy, secret }: KeeperParts): GroupKeeper {
  let known: Promise<GroupNames> | undefined

  function names(): Promise<GroupNames> {
    const asked = known ??= store.keep('secret', secret).then(groupNames)
    asked.catch(() => { known = undefined })
    return asked
  }

  /** A policy may be gone from the config while its namespaces live. */
  function limits(name: string): GroupLimits {
    try {
      return limitsOf(policy(name).limits)
    } catch {
      return limitsOf({})
    }
  }

  async function alive(): Promise<ReadonlyMap<string, GroupLimits>> {
    return new Map((await store.namespaces()).map((namespace) => [namespace.id, limits(namespace.policy)]))
  }

  return {
    mode, names,
    async tend(host) {
      if (mode === 'off') return
      try {
        for (const namespace of await store.namespaces()) {
          if (namespace.host === host.name && namespace.state === 'open') host.groups.prepare(namespace, policy(namespace.policy))
        }
        await host.groups.sweep(alive)
        await removeOldHelpers(host, Date.now() / 1000 - helperAge)
      } catch (error) {
        // The next look finds what this one left.
        if (host.up()) console.error(error)
      }
    },
  }
}
