import { isShown, namespaceInEvent, nanosOf, type EngineEvent } from '../../lib/events.ts'
import { parseAnswer, stringify } from '../../lib/json.ts'
import { present } from '../../lib/present.ts'
import { Refusal } from '../../lib/refusal.ts'

/** An event in job names, parsed. */
export type JobEvent = EngineEvent

/** Events a slow reader may lag behind before its stream is ended, and events kept for `since`, as many as an engine keeps for all. */
const buffered = 1024
const remembered = 256

/** Characters of these together: events carry all labels of their container, and a job may write long ones. */
const bufferedText = 8 * 1024 * 1024
const rememberedText = 1024 * 1024

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
  /** Past events of a namespace from `since` on (nanoseconds since the epoch), then new ones until the signal aborts. */
  watch(ns: string, signal: AbortSignal, since?: bigint): AsyncIterable<JobEvent>
  /** Drops what is remembered of a namespace that has ended, and ends its watchers. */
  forget(ns: string): void
  watchers(): number
}

/** `ownerOf` answers for objects whose name does not tell: anonymous volumes. */
export function eventHub(ownerOf: (type: string, id: string) => Promise<string | undefined>): EventHub {
  const watchers = new Map<string, Set<Watcher>>()
  const rings = new Map<string, Shelf>()

  const ended = new Set<string>()

  function publish(ns: string, event: JobEvent, size = stringify(event).length): void {
    if (ended.has(ns)) return
    const ring = rings.get(ns) ?? shelf()
    if (rings.size >= namespacesRemembered && !rings.has(ns)) rings.delete(rings.keys().next().value!)
    rings.set(ns, ring)
    ring.push(event, size)
    while (!ring.fits(remembered, rememberedText)) ring.shift()
    for (const watcher of watchers.get(ns) ?? []) watcher.push(event, size)
  }

  return {
    async accept(line) {
      const event = parseAnswer(line) as EngineEvent
      const ns = namespaceInEvent(event) ?? (event.Type === 'volume' ? await ownerOf('volume', event.Actor.ID) : undefined)
      if (ns !== undefined && isShown(event)) {
        const shown = parseAnswer(present(ns, line)) as JobEvent
        if (!isToldAgain(shown, rings.get(ns))) publish(ns, shown, line.length)
      }
      return { event, ns }
    },
    publish,
    watch(ns, signal, since) {
      const watcher = new Watcher(signal)
      if (since !== undefined) for (const [event, size] of rings.get(ns)?.all() ?? []) if (nanosOf(event) >= since) watcher.push(event, size)
      const set = watchers.get(ns) ?? new Set()
      watchers.set(ns, set.add(watcher))
      signal.addEventListener('abort', () => { set.delete(watcher); if (set.size === 0 && watchers.get(ns) === set) watchers.delete(ns) }, { once: true })
      return watcher
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

/** Engines of 20.10 tell of a named volume's creation once more when a container is made with it, which its namespace had made before. */
function isToldAgain({ Type, Action, Actor: { ID } }: JobEvent, ring: Shelf | undefined): boolean {
  if (Type !== 'volume' || Action !== 'create') return false
  return ring?.all().findLast(([event]) => event.Type === 'volume' && event.Actor.ID === ID)?.[0].Action === 'create'
}

/** An event, and how many characters it is. */
type Sized = readonly [event: JobEvent, size: number]

/** Events in order, and how much text they are. */
interface Shelf {
  push(event: JobEvent, size: number): void
  shift(): JobEvent | undefined
  fits(count: number, text: number): boolean
  all(): readonly Sized[]
}

function shelf(): Shelf {
  const kept: Sized[] = []
  let total = 0
  return {
    push(event, size) {
      kept.push([event, size])
      total += size
    },
    shift() {
      const [event, size] = kept.shift() ?? [undefined, 0]
      total -= size
      return event
    },
    fits: (count, text) => kept.length <= count && total <= text,
    all: () => kept,
  }
}

class Watcher implements AsyncIterable<JobEvent> {
  #queue = shelf()
  #wake: (() => void) | undefined
  #ended = false
  #overrun = false

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.end(), { once: true })
  }

  push(event: JobEvent, size: number): void {
    if (!this.#queue.fits(buffered - 1, bufferedText)) this.#overrun = true
    else this.#queue.push(event, size)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent> {
    for (;;) {
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) yield event
      if (this.#overrun) throw new Refusal(503, `this event stream was more than ${buffered} events behind; read faster or narrow it with filters`)
      if (this.#ended) return
      await new Promise<void>((resolve) => { this.#wake = resolve })
      this.#wake = undefined
    }
  }
}
