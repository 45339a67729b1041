import type { Namespace } from '../../lib/store.ts'

export interface Staying {
  /** Aborts when the namespace is closed while the answer is under way. */
  signal: AbortSignal
  end(): void
}

/** Milliseconds between looks: the platform has nothing that tells of what other gateways do. */
const every = 2_000

/**
 * Stays with an answer that is under way, which keeps its namespace in use and is cut when that is closed. `look` finds the namespace's record,
 * extends its lease, and may reject while the store is away.
 */
export function staying(look: () => Promise<Namespace | undefined>): Staying {
  const closed = new AbortController()
  const timer = setInterval(() => {
    look().then((found) => { if (found?.state !== 'open') closed.abort(new Error('the namespace is closed')) }, () => {})
  }, every)
  return { signal: closed.signal, end: () => clearInterval(timer) }
}
