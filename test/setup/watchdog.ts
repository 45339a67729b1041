import { readFileSync } from 'node:fs'
import { allPids, parentOf } from './processes.ts'

/**
 * Kills a test file's process that lives longer than `limit` milliseconds, so that its hang is a failure. node:test's own timeout ends the wait
 * for a test, not a process whose sockets or timers keep it. Answers what ends the watch.
 */
export function watch(files: readonly string[], limit: number, onKill: (file: string) => void): () => void {
  const since = new Map<number, number>()
  const check = () => {
    for (const { pid, file } of running(files)) {
      const started = since.get(pid) ?? Date.now()
      since.set(pid, started)
      if (Date.now() - started < limit) continue
      onKill(file)
      process.kill(pid, 'SIGKILL')
    }
  }
  const timer = setInterval(check, Math.min(1000, limit))
  return () => clearInterval(timer)
}

/** Test files are children of this process whose last argument is the file. */
function running(files: readonly string[]): { pid: number, file: string }[] {
  return allPids().filter((pid) => parentOf(pid) === process.pid).flatMap((pid) => {
    const file = lastArgument(pid)
    return files.includes(file) ? [{ pid, file }] : []
  })
}

function lastArgument(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').at(-2) ?? ''
  } catch {
    return ''
  }
}
