import { auditRecord } from '../../lib/audit.ts'
import type { Observer } from '../../lib/outcome.ts'

export interface AuditConfig {
  /** A file that is appended to, or `-` for standard output. */
  file: string
  /** Also calls that only read. */
  reads: boolean
}

/** MiB that wait for a disk that is slow or full before lines are dropped; a stream that cannot be written must not stop the jobs nor fill the memory. */
const mostWaiting = 16

/** What the operator is told of the stream, each change once. */
export interface AuditTalk {
  /** Lines cannot be written and wait in memory, for so many MiB. */
  auditWaits(reason: string, most: number): void
  /** Lines are lost. */
  auditLoss(reason: string): void
  /** All that waited is written. */
  auditBack(): void
}

export interface Audit {
  observe: Observer
  /** Opens the file anew, after it was moved away (logrotate). */
  reopen(): void
  stop(): void
}

/** Writes one JSON line for each call that changed something or was refused (docs/audit.schema.json). */
export async function audit({ file, reads }: AuditConfig, talk: AuditTalk): Promise<Audit> {
  const { pino } = await import('pino')
  const destination = pino.destination({ dest: file === '-' ? 1 : file, append: true, mkdir: true, mode: 0o600, sync: false, maxLength: mostWaiting * 1024 * 1024 })
  let state: 'written' | 'waiting' | 'losing' = 'written'
  destination.on('error', (error: Error) => {
    if (state !== 'written') return
    state = 'waiting'
    talk.auditWaits(error.message, mostWaiting)
  })
  destination.on('drop', () => {
    if (state !== 'losing') talk.auditLoss(`more than ${mostWaiting} MiB wait to be written to ${file}`)
    state = 'losing'
  })
  destination.on('drain', () => {
    if (state !== 'written') talk.auditBack()
    state = 'written'
  })
  return {
    observe(outcome) {
      const record = auditRecord(outcome, reads)
      if (record) destination.write(`${JSON.stringify(record)}\n`)
    },
    reopen: () => { if (file !== '-') destination.reopen() },
    stop() {
      try {
        destination.flushSync()
      } catch (error) {
        talk.auditLoss(`what waits cannot be written to ${file} at the end: ${(error as Error).message}`)
      }
    },
  }
}
