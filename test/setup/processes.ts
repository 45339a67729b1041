import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Fields of /proc/PID/stat after the command's name (proc_pid_stat(5)): the first is the state. */
function statFields(pid: number): string[] | undefined {
  const text = readOr(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Whether the process runs; one that has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  const state = statFields(pid)?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** When the process started, in clock ticks since boot; with its pid this names it for ever. Undefined when it is gone. */
export function startTime(pid: number): string | undefined {
  return statFields(pid)?.[19]
}

/** Undefined when the process is gone. */
export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1]
  return parent === undefined ? undefined : Number(parent)
}

/** Memory of the process that is in RAM, in bytes (proc_pid_status(5), VmRSS). */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

export function allPids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
}

/** Whether the process is in the network namespace with that inode. */
export function isInNetwork(pid: number, inode: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]`
  } catch {
    return false
  }
}

/** Whether the process has a root file system made of what lies under the directory, as a container's is. */
export function isRootedIn(pid: number, directory: string): boolean {
  const mounts = readOr(`/proc/${pid}/mountinfo`) ?? ''
  return mounts.split('\n').some((line) => line.split(' ')[4] === '/' && line.includes(`${directory}/`))
}

/** Mount points under the directory, the deepest first. */
export function mountsUnder(directory: string): string[] {
  const points = (readOr('/proc/self/mountinfo') ?? '').split('\n').map((line) => line.split(' ')[4] ?? '')
  return points.filter((point) => point.startsWith(`${directory}/`)).toReversed()
}

/** Waits until the condition holds. Rejects after `timeout` milliseconds, naming what was waited for. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, timeout = 60_000): Promise<void> {
  const end = Date.now() + timeout
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeout / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
