import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '../lib/refusal.ts'

/** Something done again and again while the gateway runs. */
export interface Task {
  /** Resolves when what is under way is done. */
  stop(): Promise<void>
}

/** Does the work at once and then so many milliseconds after it was done. What fails is tried again at the next time; `onDefect` hears of it. */
export function regularly(milliseconds: number, work: () => Promise<void>, onDefect: (error: unknown) => void): Task {
  const stopping = new AbortController()
  const running = (async () => {
    while (!stopping.signal.aborted) {
      // A store that is away says so by itself, once.
      await work().catch((error) => { if (!isNotNow(error)) onDefect(error) })
      await sleep(milliseconds, undefined, { signal: stopping.signal, ref: false }).catch(() => {})
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** Does the work as soon as the store answers. */
export async function whenAnswering<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isNotNow(error)) throw error
      await sleep(100)
    }
  }
}

function isNotNow(error: unknown): boolean {
  return error instanceof Refusal && error.status === 503
}
