import type { Host } from '../../lib/engine.ts'
import { at } from '../../lib/engine-path.ts'
import type { EngineEvent } from '../../lib/events.ts'
import { readAll, splitLines } from '../../lib/lines.ts'
import { Refusal } from '../../lib/refusal.ts'
import type { Store } from '../../lib/store.ts'
import { eventHub } from '../hosts/event-hub.ts'

export interface EventParts {
  engine: Pick<Host, 'stream'>
  store: Pick<Store, 'owners'>
}

/**
 * Events of a namespace by a stream of the engine's for this request alone: on this platform nothing that one request waits for may be fed by
 * another. It is read as fast as the engine writes, and whoever watches more slowly loses it. What is past is what the engine remembers.
 */
export function eventsOf({ engine, store }: EventParts): Host['watch'] {
  return async (ns, signal, since) => {
    const life = new AbortController()
    const over = AbortSignal.any([signal, life.signal])
    const query = since === undefined ? {} : { since: `${since / 1_000_000_000n}.${String(since % 1_000_000_000n).padStart(9, '0')}` }
    const stream = await engine.stream({ method: 'GET', path: at`/events`, query }, { signal: over })
    if (stream.status !== 200) throw new Refusal(stream.status, await readAll(stream.body))
    const hub = eventHub(async (kind, id) => (await store.owners(kind as 'volume', id).catch(() => []))[0])
    const watcher = hub.watch(ns, signal)
    const read = async () => {
      for await (const line of splitLines(stream.body)) await hub.accept(line)
      throw new Refusal(503, 'the engine ended its event stream')
    }
    return watched(watcher, read().finally(() => hub.forget(ns)), signal, life)
  }
}

async function* watched(watcher: AsyncIterable<EngineEvent>, reading: Promise<never>, signal: AbortSignal, life: AbortController): AsyncGenerator<EngineEvent> {
  reading.catch(() => {})
  try {
    yield* watcher
    if (!signal.aborted) await reading
  } finally {
    life.abort()
  }
}
