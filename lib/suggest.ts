import type { AuditRecord } from './audit.ts'

/** What a policy would have to be set to, by its settings: numbers, switches, or lists without repetition. */
export interface Suggestion {
  readonly settings: Readonly<Record<string, number | true | readonly string[]>>
  /** How many calls asked for each setting. */
  readonly calls: Readonly<Record<string, number>>
  /** Refusals that no policy lifts: their sentences, each once, most frequent first. */
  readonly unliftable: readonly { message: string; calls: number }[]
}

/**
 * The smallest change of a policy under which none of these calls would have been refused: the largest number asked of each limit, every entry asked
 * of each list, every switch on. Taken from what was refused and from what a policy in mode observe permitted.
 */
export function suggest(records: Iterable<AuditRecord>): Suggestion {
  const single = new Map<string, number | true>()
  const lists = new Map<string, Set<string>>()
  const calls: Record<string, number> = {}
  const unliftable = new Map<string, number>()
  for (const { refusal, permitted } of records) {
    for (const { setting, value } of asked(refusal, permitted)) {
      calls[setting] = (calls[setting] ?? 0) + 1
      if (value === true) single.set(setting, value)
      else if (typeof value === 'number') single.set(setting, Math.max(value, Number(single.get(setting) ?? 0)))
      else lists.set(setting, (lists.get(setting) ?? new Set()).add(value))
    }
    if (refusal?.setting === null && / is not allowed in this namespace: /.test(refusal.message)) {
      unliftable.set(refusal.message, (unliftable.get(refusal.message) ?? 0) + 1)
    }
  }
  return {
    settings: Object.fromEntries([...single, ...[...lists].map(([path, entries]) => [path, [...entries].sort()] as const)].toSorted()),
    calls,
    unliftable: [...unliftable].map(([message, count]) => ({ message, calls: count })).toSorted((one, other) => other.calls - one.calls),
  }
}

function asked(refusal: AuditRecord['refusal'], permitted: AuditRecord['permitted']): { setting: string; value: number | string | true }[] {
  const refused = refusal && refusal.setting !== null && refusal.value !== null ? [{ setting: refusal.setting, value: refusal.value }] : []
  return [...refused, ...permitted]
}

/** The settings as a policy has them: `limits.memory` inside `limits`. Lists get the entries beside those that the policy has. */
export function asPolicy({ settings }: Suggestion, present: Readonly<Record<string, readonly string[]>>): Record<string, unknown> {
  const policy: Record<string, any> = {}
  for (const [path, value] of Object.entries(settings)) {
    const [first, second] = path.split('.') as [string, string | undefined]
    const whole = typeof value !== 'object' ? value : [...new Set([...present[path] ?? [], ...value])]
    if (second === undefined) policy[first] = whole
    else policy[first] = { ...policy[first], [second]: whole }
  }
  return policy
}
