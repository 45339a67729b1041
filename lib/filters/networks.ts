import { Refusal } from '../refusal.ts'
import { isPredefinedNetwork } from '../schemas/names.ts'
import { matchesExactly, matchesLabels, regexpTest, type Labels } from './match.ts'
import type { Filters } from './parse.ts'

/** Keys of `GET /networks` (moby api/types/network). */
export const networkFilterKeys = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'] as const

/** An entry of `GET /networks`, in job names. `Containers` counts for `dangling`: fill it in, the engine's own list leaves it empty. */
export interface NetworkSummary {
  Id: string
  Name: string
  Driver?: string
  Scope?: string
  Labels?: Labels
  Containers?: Readonly<Record<string, unknown>> | null
}

/**
 * A test for the networks of one list (moby daemon/network/filter.go). `name` and `id` are regular expressions.
 * Throws `Refusal` 400 with the engine's texts.
 */
export function networkMatcher(filters: Filters): (network: NetworkSummary) => boolean {
  const matchesName = regexpTest(filters, 'name')
  const matchesId = regexpTest(filters, 'id')
  const dangling = danglingOnly(filters)
  const types = checkedTypes(filters)
  return (network) => matchesName(network.Name) && matchesId(network.Id)
    && matchesExactly(filters, 'driver', network.Driver ?? '')
    && matchesExactly(filters, 'scope', network.Scope ?? '')
    && matchesLabels(filters, 'label', network.Labels)
    && (dangling === undefined || dangling !== isUsed(network))
    && (types === undefined || types.includes(isPredefinedNetwork(network.Name) ? 'builtin' : 'custom'))
}

function isUsed(network: NetworkSummary): boolean {
  return isPredefinedNetwork(network.Name) || Object.keys(network.Containers ?? {}).length > 0
}

function danglingOnly(filters: Filters): boolean | undefined {
  const [value, second] = filters.get('dangling') ?? []
  if (value === undefined) return undefined
  if (second !== undefined) throw new Refusal(400, 'got more than one value for filter key "dangling"', 'filters.dangling')
  if (!['0', 'false', '1', 'true'].includes(value)) {
    throw new Refusal(400, `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`, 'filters.dangling')
  }
  return value === '1' || value === 'true'
}

function checkedTypes(filters: Filters): readonly string[] | undefined {
  const types = filters.get('type')
  const wrong = types?.find((type) => type !== 'builtin' && type !== 'custom')
  if (wrong !== undefined) throw new Refusal(400, `invalid filter: 'type'='${wrong}'`, 'filters.type')
  return types
}
