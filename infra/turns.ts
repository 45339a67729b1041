import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '../lib/refusal.ts'
import type { Turn, Turns, TurnStore } from '../lib/turns.ts'

export interface TurnTimes {
  /** Milliseconds after which a turn that is not kept is over. */
  lasts: number
  /** Milliseconds between two prolongations. */
  kept: number
  /** Most milliseconds between two attempts to take a turn that another gateway has. */
  asked: number
}

const usual: TurnTimes = { lasts: 20_000, kept: 5_000, asked: 500 }

/** Turns over a store's record: waiting inside this process is a queue, waiting for other gateways is asking again. */
export function turns(store: TurnStore, times: TurnTimes = usual): Turns {
  const queues = new Map<string, Promise<unknown>>()

  /** Behind those who asked before in this process. */
  function queued<T>(key: string, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const before = queues.get(key) ?? Promise.resolve()
    const started = before.then(() => { signal?.throwIfAborted(); return work() })
    const settled = started.catch(() => {}).finally(() => { if (queues.get(key) === settled) queues.delete(key) })
    queues.set(key, settled)
    return signal ? Promise.race([started, aborted(signal, before)]) : started
  }

  return {
    inTurn: (key, work, signal) => queued(key, async () => {
      const holder = randomUUID()
      return held(store, times, { key, holder, left: await taken(store, times, key, holder, signal) }, work)
    }, signal),
    left: () => store.left(),
  }
}

/** Rejects when the signal aborts before the others are done; never resolves. */
function aborted(signal: AbortSignal, others: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    const leave = () => reject(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    void others.then(() => signal.removeEventListener('abort', leave))
  })
}

async function taken(store: TurnStore, times: TurnTimes, key: string, holder: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  for (let pause = 20; ; pause = Math.min(pause * 2, times.asked)) {
    signal?.throwIfAborted()
    const result = await store.take({ key, holder, ms: times.lasts })
    if (result.taken) return result.left
    await sleep(pause, undefined, { signal }).catch(() => {})
  }
}

async function held<T>(store: TurnStore, times: TurnTimes, { key, holder, left }: { key: string; holder: string; left: string | undefined }, work: (turn: Turn) => Promise<T>): Promise<T> {
  const lost = new AbortController()
  let ends = true
  let sure = performance.now() + times.lasts
  async function keep(note?: string): Promise<void> {
    const asked = performance.now()
    if (!lost.signal.aborted && await store.keep({ key, holder, ms: times.lasts, note })) sure = asked + times.lasts
    else lost.abort(gone())
  }
  const timer = setInterval(() => {
    keep().catch(() => { if (performance.now() + times.kept > sure) lost.abort(gone()) })
  }, times.kept)
  try {
    return await work({
      left, lost: lost.signal,
      async note(text) {
        await keep(text)
        lost.signal.throwIfAborted()
      },
      abandon() { ends = false },
    })
  } finally {
    clearInterval(timer)
    // A store that is away now finds the turn over by itself.
    if (ends) await store.end(key, holder).catch(() => {})
  }
}

function gone(): Refusal {
  return new Refusal(503, 'this gateway lost its turn because its store did not answer; try again')
}
