import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { allPids, isAlive, isInNetwork, isRootedIn, mountsUnder, startTime } from './processes.ts'

/** All that an engine has is in a directory of this one, named after the process that it must not outlive. */
const engines = join(tmpdir(), 'moorage-engines')

/** A new directory for an engine of this process. */
export function makeDirectory(): string {
  mkdirSync(engines, { recursive: true })
  return mkdtempSync(join(engines, `${process.pid}-${startTime(process.pid)}-`))
}

/** The network namespace of the engine in that directory: its name for `ip netns`, and its file. */
export function networkOf(directory: string): { name: string, path: string } {
  const name = `moorage-${basename(directory)}`
  return { name, path: `/run/netns/${name}` }
}

/** Clears engines away whose owners are gone, because they were killed. */
export function clearLeftovers(): void {
  if (!existsSync(engines)) return
  for (const name of readdirSync(engines)) {
    const [pid, started] = name.split('-')
    if (startTime(Number(pid)) !== started) clear(join(engines, name))
  }
}

/** Ends everything of the engine at once, containers too, and removes its cgroups, mounts, network and files. */
export function clear(directory: string): void {
  const network = networkOf(directory)
  killAll(directory, network.path)
  removeCgroups(directory)
  const mounts = mountsUnder(directory)
  if (mounts.length > 0) spawnSync('umount', ['-l', ...mounts])
  if (existsSync(network.path)) spawnSync('ip', ['netns', 'del', network.name])
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}

/** Daemons and shims are in the engine's network; containers have a root among its files. */
function killAll(directory: string, network: string): void {
  const inode = existsSync(network) ? statSync(network).ino : -1
  const remaining = () => allPids().filter((pid) => pid !== process.pid && isAlive(pid) && (isInNetwork(pid, inode) || isRootedIn(pid, directory)))
  const end = Date.now() + 10_000
  for (let pids = remaining(); pids.length > 0 && Date.now() < end; pids = remaining()) {
    for (const pid of pids) kill(pid)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** Containers killed behind the engine's back leave theirs, in every hierarchy. Looked for at once, as an engine may have hundreds. */
function removeCgroups(directory: string): void {
  const containers = new Set(globSync('data/containers/*', { cwd: directory }).map((path) => basename(path)))
  const isOf = (cgroup: string) => containers.has(basename(cgroup).replace(/^docker-|\.scope$/g, ''))
  for (const group of globSync('/sys/fs/cgroup/{,*/}{docker/*,system.slice/docker-*.scope,moorage/*/*/*}').filter(isOf)) {
    for (const cgroup of globSync(`${group}{,/**/}`).toSorted((a, b) => b.length - a.length)) removeCgroup(cgroup)
    // The groups of namespaces whose gateway did not live to remove them.
    if (group.includes('/moorage/')) removeCgroup(dirname(group))
  }
}

function removeCgroup(cgroup: string): void {
  try {
    rmdirSync(cgroup)
  } catch {
    // Gone, or held by another hierarchy's name for the same.
  }
}
