import { globSync, readdirSync, readFileSync } from 'node:fs'

/** The value below which that part of the values lies, e.g. 0.5 for the median. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Seconds of CPU that a process has used, all its threads together (/proc/PID/task/TID/schedstat, nanoseconds). */
export function cpuSeconds(pid: number): number {
  return globSync(`/proc/${pid}/task/*/schedstat`).reduce((sum, file) => sum + Number(readOr(file).split(' ')[0]) / 1e9, 0)
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A thread that has ended meanwhile.
    return '0'
  }
}

/** Bytes of memory a process has in RAM. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** How many descriptors a process has open. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Milliseconds, with fractions, since some moment. */
export const now = (): number => performance.now()

/** How many times per second the workers get through their work, all of them together, over about that many milliseconds. */
export async function rate(workers: readonly (() => Promise<unknown>)[], milliseconds: number): Promise<{ perSecond: number; done: number }> {
  const start = now()
  let done = 0
  await Promise.all(workers.map(async (work) => {
    for (; now() - start < milliseconds; done++) await work()
  }))
  return { perSecond: done / (now() - start) * 1000, done }
}

/** Milliseconds that each of `times` turns took, one after another. */
export async function latencies(times: number, work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (let turn = 0; turn < times; turn++) {
    const start = now()
    await work()
    taken.push(now() - start)
  }
  return taken
}
