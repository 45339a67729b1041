import type { Call, Reply } from '../endpoint.ts'
import { Refusal } from '../refusal.ts'
import { channel } from './channel.ts'

/** Takes the lines of a pull or push as they come. */
export interface Progress {
  /** The engine has accepted it: the answer begins. */
  started(): void
  /** The same, with a line to tell. */
  line(value: unknown): void
}

/** Progress lines kept for a client that does not read them; states of layers beyond that are left out. */
const unread = 1000

/**
 * Answers when `work` has started or ended; the work goes on whether its lines are read or not. What it throws before is the answer, a Refusal
 * after that the last line, as engines tell errors.
 */
export async function progressReply(call: Call, work: (progress: Progress) => Promise<void>): Promise<Reply> {
  const lines = channel<any>({ limit: unread, droppable: (line) => line?.progressDetail !== undefined && line?.aux === undefined })
  let accepted = false
  await new Promise<void>((resolve, reject) => {
    const started = () => { accepted = true; resolve() }
    work({ started, line(value) { started(); lines.push(value) } })
      .catch((error) => {
        // Nobody is there to be told.
        if (call.connection.signal.aborted) return
        if (!accepted) return reject(error)
        if (!(error instanceof Refusal)) throw error
        lines.push(errorLine(error.message))
      })
      .then(() => { lines.end(); resolve() }, (error) => { lines.end(error); reject(error) })
  })
  return { status: 200, lines: lines.values, lineEnd: '\r\n' }
}

/** How engines end a stream that failed (moby, pkg/streamformatter FormatError). */
export function errorLine(message: string): { errorDetail: { message: string }; error: string } {
  return { errorDetail: { message }, error: message }
}
