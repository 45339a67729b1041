export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** The parts of a finished test's event (node:test) that counting needs. */
export interface Finished {
  name: string
  file?: string | undefined
  nesting: number
  skip?: string | boolean | undefined
  todo?: string | boolean | undefined
  details: { type?: string | undefined, error?: { failureType?: unknown } | undefined }
}

export type Verdict = keyof Counts | 'parent'

/**
 * Judges tests while they finish: those with tests inside count only when they failed by themselves, as when a hook does, and a file without
 * tests has failed. Events of a file come in order, children right before their parent.
 */
export function judge(): (passed: boolean, event: Finished) => Verdict {
  const lastNesting = new Map<string | undefined, number>()
  return (passed, { name, file, nesting, skip, todo, details: { type, error } }) => {
    const isParent = type === 'suite' || (lastNesting.get(file) ?? -1) > nesting
    lastNesting.set(file, nesting)
    if (passed && name === file) return 'failed'
    if (isParent && (passed || error?.failureType === 'subtestsFailed')) return 'parent'
    if (isGiven(skip) || isGiven(todo)) return 'skipped'
    return passed ? 'passed' : 'failed'
  }
}

/** `N passed, N failed`, and how many were skipped if any. */
export function total({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** The counts of all files together. */
export function sum(counts: Iterable<Counts>): Counts {
  const all: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const one of counts) for (const key of ['passed', 'failed', 'skipped'] as const) all[key] += one[key]
  return all
}

function isGiven(option: string | boolean | undefined): boolean {
  return option !== undefined && option !== false
}
