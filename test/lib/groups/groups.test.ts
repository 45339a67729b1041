import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { controlGroups, type GroupMode } from '../../../lib/groups/groups.ts'
import type { Helper } from '../../../lib/groups/helper.ts'
import { groupNames } from '../../../lib/groups/names.ts'
import { defaultPolicy, type Policy } from '../../../lib/policy.ts'
import type { Namespace } from '../../../lib/store.ts'

const namespace = (id: string): Namespace => ({ id, host: 'h', policy: '', label: '', domain: id, by: 'operator', opened: 0, expires: 0, lease: 0, state: 'open' })
const ids = ['a', 'b', 'c'].map((letter) => letter.repeat(16))
const facts = () => ({ info: { Architecture: 'x86_64', CgroupDriver: 'cgroupfs', CgroupVersion: '1' } }) as never

/** Groups on a host whose helper answers as told, and what it was asked. */
function kept({ mode = 'best-effort' as GroupMode, answer = (async () => ({ failed: new Map(), listed: new Map() })) as Helper } = {}) {
  const runs: (readonly string[])[] = []
  const said: string[] = []
  const clock = { now: 0 }
  const groups = controlGroups({
    host: { name: 'h', facts }, mode, names: () => groupNames('secret'), now: () => clock.now, onUnlimited: (reason) => said.push(reason),
    helper: (layout, steps) => {
      runs.push(steps)
      return answer(layout, steps)
    },
  })
  return { groups, runs, said, clock }
}

const failing = (message: string): Helper => async () => { throw new Error(message) }

describe('the keeper of control groups', () => {
  it('makes a group once, and those that are wanted together in one run', async () => {
    const { groups, runs } = kept()
    const parents = await Promise.all([...ids, ...ids].map((id) => groups.containers(namespace(id), defaultPolicy)))
    assert.equal(new Set(parents).size, 3)
    await groups.containers(namespace(ids[0]!), defaultPolicy)
    assert.ok(runs.length <= 2)
    assert.equal(runs.flat().filter((step) => step.endsWith(`/${ids[0]}`) && step.startsWith('+/groups/memory/')).length, 1)
  })

  it('makes a group again after the host was away, and when its limits change', async () => {
    const { groups, runs } = kept()
    await groups.containers(namespace(ids[0]!), defaultPolicy)
    groups.reset()
    await groups.containers(namespace(ids[0]!), defaultPolicy)
    assert.equal(runs.length, 2)
    const more: Policy = { ...defaultPolicy, limits: { ...defaultPolicy.limits, pids: 7 } }
    await groups.containers(namespace(ids[0]!), more)
    assert.ok(runs[2]!.some((step) => step.endsWith('pids.max\n7')))
  })

  it('goes without when it may, says why once, and tries again after a while', async () => {
    const { groups, runs, said, clock } = kept({ answer: failing('no helper here') })
    for (const id of ids) assert.equal(await groups.containers(namespace(id), defaultPolicy), undefined)
    assert.deepEqual(said, ['no helper here'])
    assert.equal(runs.length, 1)
    clock.now += 60_000
    await groups.containers(namespace(ids[0]!), defaultPolicy)
    assert.equal(runs.length, 2)
  })

  it('refuses work with the reason when limits are required', async () => {
    const { groups } = kept({ mode: 'required', answer: failing('no helper here') })
    await assert.rejects(groups.containers(namespace(ids[0]!), defaultPolicy), { status: 503, message: /host h cannot limit this namespace.*no helper here.*operator/ })
  })

  it('fails one group for the step that matters and not the others of the run', async () => {
    const { groups, said } = kept({
      answer: async (_layout, steps) => ({ listed: new Map(), failed: new Map([[steps.findLastIndex((step) => step.includes(`${ids[1]}/pids.max`)), 'invalid value'], [1, 'no such file']]) }),
    })
    const parents = await Promise.all(ids.map((id) => groups.containers(namespace(id), defaultPolicy)))
    assert.deepEqual(parents.map((parent) => parent !== undefined), [true, false, true])
    assert.deepEqual(said, ['limits.pids cannot be set: invalid value'])
  })

  it('does nothing when it is off', async () => {
    const { groups, runs } = kept({ mode: 'off' })
    assert.equal(await groups.containers(namespace(ids[0]!), defaultPolicy), undefined)
    groups.prepare(namespace(ids[0]!), defaultPolicy)
    groups.gone(ids[0]!)
    await groups.sweep(async () => new Map())
    assert.deepEqual(runs, [])
  })

  it('removes what is nobody\'s, and makes what came alive meanwhile', async () => {
    const { groups, runs } = kept({
      answer: async (_layout, steps) => ({ failed: new Map(), listed: new Map(steps.flatMap((step, index) => (step.startsWith('?') ? [[index, [ids[0]!, ids[1]!, 'cgroup.procs']] as const] : []))) }),
    })
    const limits = { memory: undefined, cpus: undefined, pids: 9 }
    const answers = [new Map(), new Map([[ids[1]!, limits]])]
    await groups.sweep(async () => answers.shift() ?? new Map())
    const removed = runs.flat().filter((step) => step.startsWith('-/groups/memory/'))
    assert.deepEqual(removed.map((step) => step.slice(-16)), [ids[0], ids[1]])
    assert.deepEqual(runs.at(-1)!.filter((step) => step.endsWith('pids.max\n9')).length, 1)
  })
})
