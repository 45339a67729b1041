import type { ControlGroups, Host } from '../engine.ts'
import type { Policy } from '../policy.ts'
import { Refusal } from '../refusal.ts'
import type { Namespace } from '../store.ts'
import type { Helper, Outcome } from './helper.ts'
import { layoutOf, plainPath, type GroupLimits, type Layout, type Step } from './layout.ts'
import type { GroupNames } from './names.ts'

/** What the operator wants of control groups: no work without them, as good as the host allows, or none. */
export type GroupMode = 'required' | 'best-effort' | 'off'

export interface GroupParts {
  host: Pick<Host, 'name' | 'facts'>
  mode: GroupMode
  names(): Promise<GroupNames>
  helper: Helper
  now(): number
  /** Told, once for each reason, that namespaces are not limited as a whole. */
  onUnlimited(reason: string): void
}

/** The groups of one host, with what the gateway does about them. */
export interface KeptGroups extends ControlGroups {
  /** What is known is void: the engine was away, and its host may have been started anew. */
  reset(): void
  /** Makes the group before it is wanted, in its own time. */
  prepare(namespace: Namespace, policy: Policy): void
  /** Removes what belongs to a closed namespace, in its own time; what is still busy is left for a sweep. */
  gone(ns: string): void
  /** Removes the groups that are none of `alive`. Asks again afterwards, and makes those that came alive meanwhile. */
  sweep(alive: () => Promise<ReadonlyMap<string, GroupLimits>>): Promise<void>
}

/** Milliseconds after which a helper that could not run is tried again. */
const retryAfter = 30_000

/** Milliseconds after which the group of a domain is made again as a build begins: another gateway may have found it to be nobody's. */
const domainGroupAge = 30_000

/** Groups that one run of the helper takes care of. */
const atOnce = 40

interface Work {
  steps: readonly Step[]
  done(outcome: string | undefined, listed: readonly string[]): void
  failed(reason: string): void
}

/** Keeps control groups: each is made once, and again after the host was away. Whoever comes while the helper runs shares its next run. */
export function controlGroups({ host, mode, names, helper, now, onUnlimited }: GroupParts): KeptGroups {
  /** Group → its limits in one text, while they are there or on their way. */
  const made = new Map<string, { limits: string; there: Promise<void>; since: number }>()
  const queue: Work[] = []
  const told = new Set<string>()
  let running = false
  let trouble = { reason: '', until: 0 }

  async function layout(): Promise<Layout> {
    const found = layoutOf(host.facts(), (await names()).farm)
    if ('unusable' in found) throw new Error(found.unusable)
    return found
  }

  async function pump(): Promise<void> {
    if (running) return
    running = true
    while (queue.length > 0) await take(queue.splice(0, atOnce))
    running = false
  }

  async function take(works: readonly Work[]): Promise<void> {
    try {
      if (trouble.until > now()) throw new Error(trouble.reason)
      settle(works, await helper(await layout(), works.flatMap(({ steps }) => steps.map(({ text }) => text))))
    } catch (error) {
      const { message } = error as Error
      if (trouble.until <= now()) trouble = { reason: message, until: now() + retryAfter }
      for (const work of works) work.failed(message)
    }
  }

  async function carryOut(stepsOf: (layout: Layout) => readonly Step[]): Promise<{ failure: string | undefined; listed: readonly string[] }> {
    const steps = stepsOf(await layout())
    return new Promise((resolve, reject) => {
      queue.push({ steps, done: (failure, listed) => resolve({ failure, listed }), failed: (reason) => reject(new Error(reason)) })
      // After this turn, so that those who come together share a run.
      queueMicrotask(() => void pump())
    })
  }

  async function make(group: string, limits: GroupLimits): Promise<void> {
    const { failure } = await carryOut((groups) => groups.make(group, limits))
    if (failure !== undefined) throw new Error(failure)
  }

  function ensure(group: string, limits: GroupLimits): Promise<void> {
    const text = JSON.stringify(limits)
    const known = made.get(group)
    if (known?.limits === text) return known.there
    const there = make(group, limits)
    const entry = { limits: text, there, since: now() }
    made.set(group, entry)
    there.catch(() => { if (made.get(group) === entry) made.delete(group) })
    return there
  }

  /** Undefined when it cannot be limited and the operator can live with that. */
  async function limited(group: string, limits: GroupLimits): Promise<Layout | undefined> {
    if (mode === 'off') return undefined
    try {
      await ensure(group, limits)
      return await layout()
    } catch (error) {
      const reason = (error as Error).message
      if (!told.has(reason)) onUnlimited(reason)
      told.add(reason)
      if (mode === 'required') throw new Refusal(503, `host ${host.name} cannot limit this namespace as a whole (${reason}); tell the operator, whose controlGroups setting wants that`)
      return undefined
    }
  }

  /** In the background: what runs is limited as soon as it is made. */
  function refresh(group: string, limits: GroupLimits): void {
    const known = made.get(group)
    if (known === undefined || now() - known.since < domainGroupAge) return
    known.since = now()
    void make(group, limits).catch(() => { if (made.get(group) === known) made.delete(group) })
  }

  async function remove(groups: readonly string[]): Promise<void> {
    for (const group of groups) made.delete(group)
    await Promise.all(groups.map((group) => carryOut((places) => places.remove(group))))
  }

  return {
    containers: async ({ id }, policy) => (await limited(id, limitsOf(policy)))?.parent(id),
    async builds(namespace, policy) {
      const { group, limits } = await buildGroup(await names(), namespace, policy)
      refresh(group, limits)
      const place = await limited(group, limits)
      const { farm, ofCaches } = await names()
      return { parent: place?.buildParent(group) ?? plainPath(farm, group), caches: await ofCaches(group) }
    },
    reset() {
      made.clear()
      trouble = { reason: '', until: 0 }
    },
    prepare({ id }, policy) {
      void limited(id, limitsOf(policy)).catch(() => {})
    },
    gone(ns) {
      made.delete(ns)
      if (mode !== 'off') void remove([ns]).catch(() => {})
    },
    async sweep(alive) {
      if (mode === 'off') return
      const groups = await layout()
      const { listed } = await carryOut(() => groups.list())
      const found = [...new Set(listed.map(groups.listed).filter((group) => group !== undefined))]
      const before = await alive()
      // Namespaces that other gateways closed.
      for (const group of made.keys()) if (!before.has(group)) made.delete(group)
      const dead = found.filter((group) => !before.has(group))
      if (dead.length === 0) return
      await remove(dead)
      const after = await alive()
      for (const group of dead) if (after.has(group)) await ensure(group, after.get(group)!)
    },
  }
}

/** The group that builds of a namespace are in, which they share with those whose caches they share. */
export async function buildGroup(names: GroupNames, namespace: Namespace, policy: Policy): Promise<{ group: string; limits: GroupLimits }> {
  if (policy.build.cache === 'namespace') return { group: namespace.id, limits: limitsOf(policy) }
  return { group: await names.ofDomain(namespace.domain), limits: limitsOf({ ...policy, limits: { ...policy.limits, ...policy.limits.build } }) }
}

/** The part of a policy's limits that a group holds; none while the policy only observes, since the kernel would not. */
export function limitsOf({ mode, limits: { memory, cpus, pids } }: Pick<Policy, 'mode' | 'limits'>): GroupLimits {
  return mode === 'observe' ? { memory: undefined, cpus: undefined, pids: undefined } : { memory, cpus, pids }
}

/** Gives each work its share of an outcome: the first failure that matters, and what was listed. */
function settle(works: readonly Work[], { failed, listed }: Outcome): void {
  let index = 0
  for (const { steps, done } of works) {
    const from = index
    index += steps.length
    const broken = steps.findIndex(({ must }, at) => must !== undefined && failed.has(from + at))
    const failure = broken < 0 ? undefined : `${steps[broken]!.must} cannot be set: ${failed.get(from + broken)}`
    done(failure, steps.flatMap((_, at) => [...listed.get(from + at) ?? []]))
  }
}
