import type { HostFacts } from '../engine.ts'
import { programs } from './program.ts'

/** What a control group allows all processes in it together; undefined is as much as there is. */
export interface GroupLimits {
  /** Bytes. */
  memory: number | undefined
  /** Cores. */
  cpus: number | undefined
  /** Processes and threads. */
  pids: number | undefined
}

/** One step of the helper's program (infra/hosts/helper/groups.c). */
export interface Step {
  text: string
  /** What does not come about when it fails; absent where a failure means nothing. */
  must?: string
}

/** Where control groups are on an engine's host, and how they are made. */
export interface Layout {
  /** Directories of the host that the helper needs, and where it has them. */
  readonly mounts: readonly { source: string; target: string }[]
  /** What the engine takes as CgroupParent of a container in this group. */
  parent(group: string): string
  /** What BuildKit takes as cgroup-parent of a RUN step in this group; it puts the step at `<parent>/buildkit/<id>`. */
  buildParent(group: string): string
  /** Makes a group, or sets the limits of one that is there. */
  make(group: string, limits: GroupLimits): Step[]
  remove(group: string): Step[]
  /** Lists the directories among which the farm's groups are. */
  list(): Step[]
  /** The group in the name of a listed directory. */
  listed(directory: string): string | undefined
}

/** The name above everything that gateways make. */
const top = 'moorage'
const root = '/groups'
const units = '/units'

const isGroup = /^(b[0-9a-f]{24}|[a-z][a-z0-9]{15})$/

/** What this engine's host has, or the reason why it can have no groups. */
export function layoutOf({ info }: Pick<HostFacts, 'info'>, farm: string): Layout | { unusable: string } {
  const options = (info.SecurityOptions ?? []) as string[]
  if (options.some((option) => option.startsWith('name=rootless'))) return { unusable: 'the engine is rootless, and its control groups are its user\'s' }
  if (programs[String(info.Architecture)] === undefined) return { unusable: `there is no helper for the architecture ${info.Architecture}` }
  const version = String(info.CgroupVersion ?? '1')
  if (info.CgroupDriver === 'cgroupfs') return plainLayout(version, farm)
  if (info.CgroupDriver === 'systemd') return sliceLayout(version, farm)
  return { unusable: `the engine's control group driver is ${info.CgroupDriver}` }
}

/** The kernel's default period, microseconds. */
const period = 100_000

/** Version 1 has one tree for each controller; a container is in all of them, the limits are in three. */
const trees = ['memory', 'cpu', 'pids'] as const
const allTrees = [...trees, 'blkio', 'cpuacct', 'cpuset', 'devices', 'freezer', 'hugetlb', 'misc', 'net_cls', 'net_prio', 'perf_event', 'rdma', 'systemd', 'unified']

const unlimited = '-1'

/** Swap is as much again as memory, as an engine gives to a container with a memory limit. */
function limitsV1(path: (tree: string) => string, { memory, cpus, pids }: GroupLimits): Step[] {
  const memsw = write(`${path('memory')}/memory.memsw.limit_in_bytes`, memory === undefined ? unlimited : String(memory * 2))
  const limit = write(`${path('memory')}/memory.limit_in_bytes`, String(memory ?? unlimited))
  return [
    // Memory may never be above memory with swap: first the one that goes up, and the kernel refuses the other one for the moment.
    limit, memsw, { ...limit, ...(memory !== undefined && { must: 'limits.memory' }) },
    write(`${path('cpu')}/cpu.cfs_period_us`, String(period)),
    { ...write(`${path('cpu')}/cpu.cfs_quota_us`, cpus === undefined ? unlimited : String(Math.round(cpus * period))), ...(cpus !== undefined && { must: 'limits.cpus' }) },
    { ...write(`${path('pids')}/pids.max`, String(pids ?? 'max')), ...(pids !== undefined && { must: 'limits.pids' }) },
  ]
}

function limitsV2(path: string, { memory, cpus, pids }: GroupLimits): Step[] {
  return [
    { ...write(`${path}/memory.max`, String(memory ?? 'max')), ...(memory !== undefined && { must: 'limits.memory' }) },
    write(`${path}/memory.swap.max`, String(memory ?? 'max')),
    { ...write(`${path}/cpu.max`, `${cpus === undefined ? 'max' : Math.round(cpus * period)} ${period}`), ...(cpus !== undefined && { must: 'limits.cpus' }) },
    { ...write(`${path}/pids.max`, String(pids ?? 'max')), ...(pids !== undefined && { must: 'limits.pids' }) },
  ]
}

function write(path: string, text: string): Step {
  return { text: `=${path}\n${text}` }
}

function directory(path: string): Step {
  return { text: `+${path}`, must: `the directory ${path.slice(root.length)}` }
}

/** On version 2 a group has the controllers that every group above it hands down. */
function handDown(path: string): Step[] {
  return trees.map((controller) => write(`${path}/cgroup.subtree_control`, `+${controller}`))
}

/** A group as a path in each tree: what the engine makes it of when nobody else does. */
export function plainPath(farm: string, group: string): string {
  return `/${top}/${farm}/${group}`
}

/** Directories of the gateway's own, beside the engine's. */
function plainLayout(version: string, farm: string): Layout {
  const path = (group: string) => plainPath(farm, group)
  const tree = (name: string) => (version === '2' ? root : `${root}/${name}`)
  const make = (name: string, group: string): Step[] => {
    const ancestors = ['', `/${top}`, `/${top}/${farm}`]
    return [
      ...ancestors.flatMap((ancestor) => [
        ...(ancestor === '' ? [] : [directory(tree(name) + ancestor)]),
        ...(version === '2' ? handDown(root + ancestor) : []),
        // Older kernels count children with their parent only when told to, before there are any.
        ...(version !== '2' && name === 'memory' && ancestor !== '' ? [write(`${tree(name)}${ancestor}/memory.use_hierarchy`, '1')] : []),
      ]),
      directory(tree(name) + path(group)),
      ...(version !== '2' && name === 'memory' ? [write(`${tree(name)}${path(group)}/memory.use_hierarchy`, '1')] : []),
    ]
  }
  return {
    mounts: [{ source: '/sys/fs/cgroup', target: root }],
    parent: path, buildParent: path,
    make: (group, limits) => (version === '2'
      ? [...make('', group), ...limitsV2(root + path(group), limits)]
      : [...trees.flatMap((name) => make(name, group)), ...limitsV1((name) => tree(name) + path(group), limits)]),
    remove: (group) => (version === '2' ? [''] : allTrees).map((name) => ({ text: `-${tree(name)}${path(group)}`, must: 'its removal' })),
    // In all trees: what is busy may be left in any one.
    list: () => (version === '2' ? [''] : allTrees).map((name) => ({ text: `?${tree(name)}/${top}/${farm}` })),
    listed: (name) => (isGroup.test(name) ? name : undefined),
  }
}

/**
 * With the systemd driver a parent is a slice, and PID 1 owns its limits: a unit file says them before the slice is first used, which
 * needs no word with PID 1. Limits that change later are written to the kernel as well. Slices end with their last container.
 */
function sliceLayout(version: string, farm: string): Layout {
  const slice = (group: string) => `${top}-${farm}-${group}.slice`
  const path = (group: string) => `/${top}.slice/${top}-${farm}.slice/${slice(group)}`
  const tree = (name: string) => (version === '2' ? root : `${root}/${name}`)
  return {
    mounts: [{ source: '/sys/fs/cgroup', target: root }, { source: '/run/systemd/system', target: units }],
    parent: slice,
    buildParent: path,
    make: (group, limits) => [
      { text: `=${units}/${slice(group)}\n${unitFile(limits)}`, must: `the unit ${slice(group)}` },
      // BuildKit makes the directory by itself, without a word to PID 1 who would set limits: it is there before, with them.
      ...(version === '2' ? ['', `/${top}.slice`, `/${top}.slice/${top}-${farm}.slice`, path(group)] : []).flatMap((above) => [
        ...(above === '' ? [] : [directory(root + above)]), ...(above === path(group) ? [] : handDown(root + above)),
      ]).map(({ text }) => ({ text })),
      ...(version === '2' ? limitsV2(root + path(group), limits) : limitsV1((name) => tree(name) + path(group), limits)).map(({ text }) => ({ text })),
    ],
    remove: (group) => [
      { text: `~${units}/${slice(group)}`, must: 'its removal' },
      ...(version === '2' ? [''] : allTrees).map((name) => ({ text: `-${tree(name)}${path(group)}`, must: 'its removal' })),
    ],
    list: () => (version === '2' ? [''] : allTrees).map((name) => ({ text: `?${tree(name)}/${top}.slice/${top}-${farm}.slice` })),
    listed: (name) => {
      const group = name.startsWith(`${top}-${farm}-`) && name.endsWith('.slice') ? name.slice(`${top}-${farm}-`.length, -'.slice'.length) : ''
      return isGroup.test(group) ? group : undefined
    },
  }
}

/** systemd.resource-control(5). */
function unitFile({ memory, cpus, pids }: GroupLimits): string {
  return [
    '[Unit]', 'Description=Containers of a namespace of Moorage', 'StopWhenUnneeded=yes', '[Slice]',
    ...(memory === undefined ? [] : [`MemoryMax=${memory}`, `MemorySwapMax=${memory}`]),
    ...(cpus === undefined ? [] : [`CPUQuota=${Math.max(1, Math.round(cpus * 100))}%`]),
    ...(pids === undefined ? [] : [`TasksMax=${pids}`]),
    '',
  ].join('\n')
}
