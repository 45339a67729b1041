import type { run } from 'node:test'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** The parts of a finished test's event (node:test) that counting needs. */
export interface Finished {
  file?: string | undefined
  nesting: number
  skip?: string | boolean | undefined
  todo?: string | boolean | undefined
  details: { error?: { failureType?: unknown } | undefined }
}

/**
 * Counts tests while they finish: those with tests inside only when they failed by themselves, as when a hook does.
 * Events come in order, children right before their parent.
 */
export function counter(): { counts: Counts, finished(passed: boolean, event: Finished): void } {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const lastNesting = new Map<string | undefined, number>()
  return {
    counts,
    finished(passed, { file, nesting, skip, todo, details: { error } }) {
      const isParent = (lastNesting.get(file) ?? -1) > nesting
      lastNesting.set(file, nesting)
      const isLeftOut = skip !== undefined && skip !== false || todo !== undefined && todo !== false
      if (isParent && (passed || error?.failureType === 'subtestsFailed')) return
      if (isLeftOut) counts.skipped++
      else counts[passed ? 'passed' : 'failed']++
    },
  }
}

/** Counts the tests of a run. */
export function tally(events: ReturnType<typeof run>): Counts {
  const { counts, finished } = counter()
  events.on('test:pass', (event) => finished(true, event as Finished))
  events.on('test:fail', (event) => finished(false, event as Finished))
  return counts
}
