import { isShown, namespaceInEvent, type EngineEvent } from '../../lib/events.ts'
import { parseAnswer } from '../../lib/json.ts'
import { present } from '../../lib/present.ts'
import { Refusal } from '../../lib/refusal.ts'

/** An event in job names, parsed. */
export type JobEvent = EngineEvent

/** Events a slow reader may lag behind before its stream is ended, and events kept for `since`, as many as an engine keeps for all. */
const buffered = 1024
const remembered = 256

/** Namespaces whose events are remembered, and ended ones whose late events are not. */
const namespacesRemembered = 10_000

/**
 * Fans one engine's events out to the namespaces on it. One upstream stream serves every watcher, and a watcher that does not read
 * loses its own stream instead of slowing the engine down.
 */
export interface EventHub {
  /** Takes one line of the engine's stream and tells whose event it is. */
  accept(line: string): Promise<{ event: EngineEvent; ns: string | undefined }>
  /** Adds an event the gateway makes itself, already in job names. */
  publish(ns: string, event: JobEvent): void
  /** Past events of a namespace, then new ones until the signal aborts. */
  watch(ns: string, signal: AbortSignal): { past: JobEvent[]; next: AsyncIterable<JobEvent> }
  /** Drops what is remembered of a namespace that has ended, and ends its watchers. */
  forget(ns: string): void
  watchers(): number
}

/** `ownerOf` answers for objects whose name does not tell: anonymous volumes. */
export function eventHub(ownerOf: (type: string, id: string) => Promise<string | undefined>): EventHub {
  const watchers = new Map<string, Set<Watcher>>()
  const rings = new Map<string, JobEvent[]>()

  const ended = new Set<string>()

  function publish(ns: string, event: JobEvent): void {
    if (ended.has(ns)) return
    const ring = rings.get(ns) ?? []
    if (rings.size >= namespacesRemembered && !rings.has(ns)) rings.delete(rings.keys().next().value!)
    rings.set(ns, ring)
    ring.push(event)
    if (ring.length > remembered) ring.shift()
    for (const watcher of watchers.get(ns) ?? []) watcher.push(event)
  }

  return {
    async accept(line) {
      const event = parseAnswer(line) as EngineEvent
      const ns = namespaceInEvent(event) ?? (event.Type === 'volume' ? await ownerOf('volume', event.Actor.ID) : undefined)
      if (ns !== undefined && isShown(event)) publish(ns, parseAnswer(present(ns, line)) as JobEvent)
      return { event, ns }
    },
    publish,
    watch(ns, signal) {
      const watcher = new Watcher(signal)
      const set = watchers.get(ns) ?? new Set()
      watchers.set(ns, set.add(watcher))
      signal.addEventListener('abort', () => { set.delete(watcher); if (set.size === 0 && watchers.get(ns) === set) watchers.delete(ns) }, { once: true })
      return { past: [...rings.get(ns) ?? []], next: watcher }
    },
    forget(ns) {
      for (const watcher of watchers.get(ns) ?? []) watcher.end()
      watchers.delete(ns)
      rings.delete(ns)
      if (ended.size >= namespacesRemembered) ended.delete(ended.keys().next().value!)
      ended.add(ns)
    },
    watchers: () => [...watchers.values()].reduce((sum, set) => sum + set.size, 0),
  }
}

class Watcher implements AsyncIterable<JobEvent> {
  #queue: JobEvent[] = []
  #wake: (() => void) | undefined
  #ended = false
  #overrun = false

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.end(), { once: true })
  }

  push(event: JobEvent): void {
    if (this.#queue.length >= buffered) this.#overrun = true
    else this.#queue.push(event)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent> {
    for (;;) {
      while (this.#queue.length > 0) yield this.#queue.shift()!
      if (this.#overrun) throw new Refusal(503, `this event stream was more than ${buffered} events behind; read faster or narrow it with filters`)
      if (this.#ended) return
      await new Promise<void>((resolve) => { this.#wake = resolve })
      this.#wake = undefined
    }
  }
}
