import { relative } from 'node:path'
import type { run } from 'node:test'
import { inspect } from 'node:util'
import { root } from './paths.ts'
import { judge, total, type Counts, type Finished } from './tally.ts'

/** A finished test's event as node:test sends it. */
interface Event extends Finished {
  line?: number | undefined
  details: Finished['details'] & { error?: Error & { failureType?: unknown } }
}

/** Writes failures with their details when they are told, and a line when a file has ended. Resolves with the counts at the run's end. */
export async function report(events: ReturnType<typeof run>, write: (text: string) => void): Promise<Counts> {
  const all: Counts = { passed: 0, failed: 0, skipped: 0 }
  const durations = new Map<string | undefined, number>()
  const verdict = judge()
  let current: { file: string, counts: Counts } | undefined
  const flush = () => {
    if (current) write(ended(current.file, current.counts, durations.get(current.file) ?? 0))
    current = undefined
  }
  const finished = (passed: boolean, event: Event) => {
    const file = event.file ?? ''
    // Files run side by side but are told one after the other.
    if (current?.file !== file) flush()
    current ??= { file, counts: { passed: 0, failed: 0, skipped: 0 } }
    const result = verdict(passed, event)
    if (result === 'parent') return
    current.counts[result]++
    all[result]++
    if (result === 'failed') write(failure(event))
  }
  events.on('test:pass', (event) => finished(true, event as Event))
  events.on('test:fail', (event) => finished(false, event as Event))
  events.on('test:stdout', ({ message }) => write(message))
  events.on('test:stderr', ({ message }) => write(message))
  // A test named like its file is the whole file.
  events.on('test:complete', ({ name, file, details }) => name === file && durations.set(file, details.duration_ms))
  await new Promise((resolve) => events.on('end', resolve).resume())
  flush()
  return all
}

function failure({ name, file = '', line, details: { error } }: Event): string {
  const reason = name === file && !error ? 'There is no test in this file' : error?.cause ?? error
  const text = reason instanceof Error ? inspect(reason) : String(reason)
  return `\n✖ ${relative(root, file)}${line && name !== file ? `:${line}: ${name}` : ''}\n${text.replaceAll(/^(?=.)/gm, '    ')}\n\n`
}

function ended(file: string, counts: Counts, milliseconds: number): string {
  return `${counts.failed === 0 ? '✔' : '✖'} ${relative(root, file)}: ${total(counts)} (${(milliseconds / 1000).toFixed(1)} s)\n`
}
