import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { helperImage } from '../../../lib/groups/image.ts'
import { layoutOf, type GroupLimits, type Layout } from '../../../lib/groups/layout.ts'
import { groupNames } from '../../../lib/groups/names.ts'
import { sourceDigest } from '../../../lib/groups/program.ts'

const farm = '0123456789ab'
const ns = 'abcdefghij012345'
const limits: GroupLimits = { memory: 64_000_000, cpus: 1.5, pids: 100 }

function layout(info: Record<string, unknown>): Layout {
  const found = layoutOf({ info: { Architecture: 'x86_64', CgroupDriver: 'cgroupfs', CgroupVersion: '1', ...info } }, farm)
  return 'unusable' in found ? assert.fail(found.unusable) : found
}

const must = (steps: ReturnType<Layout['make']>) => steps.filter((step) => step.must !== undefined).map(({ text }) => text)
const at = (steps: readonly { text: string }[], text: string) => steps.findIndex((step) => step.text.startsWith(text))

describe('control groups on a host', () => {
  it('are directories of three hierarchies on version 1, parents first, limits last', () => {
    const steps = layout({}).make(ns, limits)
    for (const [tree, file, value] of [['memory', 'memory.limit_in_bytes', '64000000'], ['cpu', 'cpu.cfs_quota_us', '150000'], ['pids', 'pids.max', '100']] as const) {
      const made = ['', `/${farm}`, `/${farm}/${ns}`].map((path) => at(steps, `+/groups/${tree}/moorage${path}`))
      assert.deepEqual(made, made.toSorted((a, b) => a - b))
      assert.ok(must(steps).includes(`=/groups/${tree}/moorage/${farm}/${ns}/${file}\n${value}`), file)
    }
    assert.equal(layout({}).parent(ns), `/moorage/${farm}/${ns}`)
  })

  it('are directories of the one hierarchy on version 2, whose controllers are handed down from the top', () => {
    const steps = layout({ CgroupVersion: '2' }).make(ns, limits)
    const order = ['=/groups/cgroup.subtree_control\n+memory', '+/groups/moorage', '=/groups/moorage/cgroup.subtree_control\n+memory', `+/groups/moorage/${farm}`,
      `=/groups/moorage/${farm}/cgroup.subtree_control\n+memory`, `+/groups/moorage/${farm}/${ns}`, `=/groups/moorage/${farm}/${ns}/memory.max\n64000000`]
    assert.deepEqual(order.map((text) => steps.findIndex((step) => step.text === text)), order.map((text) => steps.findIndex((step) => step.text === text)).toSorted((a, b) => a - b))
    for (const text of order) assert.ok(steps.some((step) => step.text === text), text)
    assert.ok(must(steps).includes(`=/groups/moorage/${farm}/${ns}/cpu.max\n150000 100000`))
    assert.ok(must(steps).includes(`=/groups/moorage/${farm}/${ns}/pids.max\n100`))
  })

  it('are slices with a unit file under the systemd driver', () => {
    const slices = layout({ CgroupDriver: 'systemd', CgroupVersion: '2' })
    assert.equal(slices.parent(ns), `moorage-${farm}-${ns}.slice`)
    const [unit] = must(slices.make(ns, limits))
    const place = `/groups/moorage.slice/moorage-${farm}.slice`
    const order = [`+${place}`, `=${place}/cgroup.subtree_control\n+memory`, `+${place}/moorage-${farm}-${ns}.slice`, `=${place}/moorage-${farm}-${ns}.slice/memory.max\n64000000`]
    const found = order.map((text) => slices.make(ns, limits).findIndex((step) => step.text === text))
    assert.ok(found[0]! >= 0)
    assert.deepEqual(found, found.toSorted((a, b) => a - b))
    assert.match(unit!, new RegExp(`^=/units/moorage-${farm}-${ns}\\.slice\n`))
    for (const line of ['MemoryMax=64000000', 'CPUQuota=150%', 'TasksMax=100', '[Slice]']) assert.ok(unit!.split('\n').includes(line), line)
    assert.equal(slices.listed(`moorage-${farm}-${ns}.slice`), ns)
    assert.equal(slices.listed(`moorage-${farm}.slice`), undefined)
  })

  it('lift what is not limited, and do not insist on that', () => {
    for (const version of ['1', '2']) {
      const steps = layout({ CgroupVersion: version }).make(ns, { memory: undefined, cpus: undefined, pids: undefined })
      assert.ok(must(steps).every((text) => text.startsWith('+')))
      assert.ok(steps.some(({ text }) => /memory\.(max|limit_in_bytes)\n(max|-1)$/.test(text)))
    }
  })

  it('of others are not taken for a farm\'s own', () => {
    for (const name of ['cgroup.procs', 'docker', `../${ns}`, ns.toUpperCase(), `${ns}x`]) assert.equal(layout({}).listed(name), undefined)
    assert.equal(layout({}).listed(ns), ns)
  })

  it('cannot be had from an engine without root, without a driver, or of an unknown architecture; the reason is said', () => {
    for (const [info, reason] of [[{ SecurityOptions: ['name=seccomp', 'name=rootless'] }, /rootless/], [{ CgroupDriver: 'none' }, /driver is none/], [{ Architecture: 'riscv64' }, /riscv64/]] as const) {
      const found = layoutOf({ info: { Architecture: 'x86_64', CgroupDriver: 'cgroupfs', ...info } }, farm)
      assert.match('unusable' in found ? found.unusable : '', reason)
    }
  })
})

describe('the names of groups', () => {
  it('differ by farm and domain, are the same each time, and tell neither secret nor domain', async () => {
    const [one, again, other] = await Promise.all(['secret', 'secret', 'other'].map(groupNames))
    const names = await Promise.all([one!, again!, other!].flatMap((farm) => [farm.ofDomain('project'), farm.ofDomain('another')]))
    assert.deepEqual(names.slice(0, 2), names.slice(2, 4))
    assert.equal(new Set(names).size, 4)
    assert.equal(one!.farm, again!.farm)
    assert.notEqual(one!.farm, other!.farm)
    assert.match(names[0]!, /^b[0-9a-f]{24}$/)
  })
})

describe('the helper\'s image', () => {
  it('is of the program as its source stands', () => {
    const source = readFileSync(new URL('../../../infra/hosts/helper/groups.c', import.meta.url))
    assert.equal(createHash('sha256').update(source).digest('hex'), sourceDigest, 'run node infra/hosts/helper/build.ts')
  })

  it('is small, the same each time and another for each architecture', async () => {
    const images = await Promise.all(['x86_64', 'x86_64', 'aarch64'].map(helperImage))
    assert.deepEqual(images[0], images[1])
    assert.notEqual(images[0]!.reference, images[2]!.reference)
    for (const { archive } of images) assert.ok(archive.length < 6000 && archive.length % 512 === 0)
  })
})
