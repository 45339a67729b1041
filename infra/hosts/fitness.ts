import type { Admission, Shortfall } from '../../lib/admission.ts'
import { examine } from './admission.ts'
import type { LiveHost } from './host.ts'

/** What each host was found to lack when it was last connected to. */
export interface Fitness {
  of(host: string): readonly Shortfall[]
  /** Examines a host that has just been connected to. */
  examine(host: LiveHost): Promise<void>
}

export function fitness(admission: Admission, found: (host: string, shortfalls: readonly Shortfall[]) => void): Fitness {
  const known = new Map<string, readonly Shortfall[]>()
  return {
    of: (host) => known.get(host) ?? [],
    async examine(host) {
      const shortfalls = await examine(host, admission)
      known.set(host.name, shortfalls)
      found(host.name, shortfalls)
    },
  }
}

/** Why a host with these shortfalls takes no namespaces, or undefined when it does. */
export function unfit(shortfalls: readonly Shortfall[], admission: Admission): string | undefined {
  const refusing = shortfalls.filter(({ check }) => admission[check] === 'refuse')
  return refusing.length === 0 ? undefined : `is not admitted: ${refusing.map(({ why, remedy }) => `${why} (${remedy})`).join(', ')}`
}
