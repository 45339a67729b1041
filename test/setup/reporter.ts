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

/** Writes a file's output, failures with their details, and a line when it has ended, in one piece. Resolves with its counts. */
export async function report(file: string, events: ReturnType<typeof run>, write: (text: string) => void): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const verdict = judge()
  const started = performance.now()
  let said = ''
  const finished = (passed: boolean, event: Event) => {
    const result = verdict(passed, event)
    if (result === 'parent') return
    counts[result]++
    if (result === 'failed') said += failure(event)
  }
  events.on('test:pass', (event) => finished(true, event as Event))
  events.on('test:fail', (event) => finished(false, event as Event))
  events.on('test:stdout', ({ message }) => { said += message })
  events.on('test:stderr', ({ message }) => { said += message })
  await new Promise((resolve) => events.on('end', resolve).resume())
  write(said + ended(file, counts, performance.now() - started))
  return counts
}

function failure({ name, file = '', line, details: { error } }: Event): string {
  const reason = name === file && !error ? 'There is no test in this file' : error?.cause ?? error
  const text = reason instanceof Error ? inspect(reason) : String(reason)
  return `\n✖ ${relative(root, file)}${line && name !== file ? `:${line}: ${name}` : ''}\n${text.replaceAll(/^(?=.)/gm, '    ')}\n\n`
}

function ended(file: string, counts: Counts, milliseconds: number): string {
  return `${counts.failed === 0 ? '✔' : '✖'} ${relative(root, file)}: ${total(counts)} (${(milliseconds / 1000).toFixed(1)} s)\n`
}
