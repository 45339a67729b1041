import { availableParallelism } from 'node:os'
import { run } from 'node:test'
import { relative } from 'node:path'
import { root } from './paths.ts'
import { report } from './reporter.ts'
import type { Counts } from './tally.ts'
import { watch } from './watchdog.ts'

/** Milliseconds after which a test, and a whole file, hangs. */
const [testTimeout, fileTimeout] = [300_000, 600_000]

export interface RunOptions {
  /** Files side by side, at most one for each core. */
  atOnce: number
  signal: AbortSignal
  write(text: string): void
  /** Only tests whose name matches. */
  name?: string
}

/** Runs each test file in a process of its own and tells of each when it has ended. Resolves with the counts of every file. */
export async function runFiles(files: readonly string[], { atOnce, signal, write, name }: RunOptions): Promise<Map<string, Counts>> {
  const results = new Map<string, Counts>()
  const endWatch = watch(files, fileTimeout, (file) => write(`${relative(root, file)} still runs after ${fileTimeout / 1000} s: killed\n`))
  const queue = [...files]
  await Promise.all(Array.from({ length: Math.min(atOnce, availableParallelism()) }, async () => {
    for (let file = queue.shift(); file !== undefined && !signal.aborted; file = queue.shift()) {
      const events = run({ files: [file], cwd: root, timeout: testTimeout, signal, ...(name ? { testNamePatterns: [name] } : {}) })
      results.set(file, await report(file, events, write))
    }
  }))
  endWatch()
  return results
}
