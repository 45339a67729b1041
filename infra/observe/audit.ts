import { auditRecord } from '../../lib/audit.ts'
import type { Observer } from '../../lib/outcome.ts'

export interface AuditConfig {
  /** A file that is appended to, or `-` for standard output. */
  file: string
  /** Also calls that only read. */
  reads: boolean
}

/** Bytes that wait for a slow disk before lines are dropped; a stream that cannot be written must not stop the jobs nor fill the memory. */
const mostWaiting = 16 * 1024 * 1024

export interface Audit {
  observe: Observer
  /** Opens the file anew, after it was moved away (logrotate). */
  reopen(): void
  stop(): void
}

/** Writes one JSON line for each call that changed something or was refused (docs/audit.schema.json). `onLoss` hears of lines that were dropped. */
export async function audit({ file, reads }: AuditConfig, onLoss: (reason: string) => void): Promise<Audit> {
  const { pino } = await import('pino')
  const destination = pino.destination({ dest: file === '-' ? 1 : file, append: true, mkdir: true, mode: 0o600, sync: false, maxLength: mostWaiting })
  destination.on('error', (error: Error) => onLoss(error.message))
  destination.on('drop', () => onLoss(`more than ${mostWaiting} bytes wait to be written to ${file}`))
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
        onLoss((error as Error).message)
      }
    },
  }
}
