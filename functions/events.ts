import { endpoint, type Endpoint } from '../lib/endpoint.ts'
import type { Host } from '../lib/engine.ts'
import type { EngineEvent } from '../lib/events.ts'
import { matchEvent, type EventMessage } from '../lib/filters/events.ts'
import { parseFilters } from '../lib/filters/parse.ts'
import { parseTime } from '../lib/go.ts'
import { text } from '../lib/query.ts'

const query = { since: text, until: text, filters: text }

/** `GET /events` (Engine API, SystemEvents; engine-api.md A.1, C.3): one upstream stream per host serves every watcher of every namespace. */
export const events: readonly Endpoint[] = [
  endpoint({
    name: 'SystemEvents', route: 'GET /events', query,
    answer(call) {
      const filters = parseFilters(call.query.filters)
      const since = moment(call.query.since, call.now)
      const until = moment(call.query.until, call.now)
      const signal = until === undefined ? call.connection.signal : AbortSignal.any([call.connection.signal, ends(until, call.now)])
      const seen = call.host.watch(call.ns, signal)
      return { status: 200, lines: watched(seen, { since, until, passes: (event) => matchEvent(filters, event as EventMessage) }) }
    },
  }),
]

/** Nanoseconds since the epoch. */
function moment(value: string | undefined, now: number): bigint | undefined {
  if (!value) return undefined
  const { seconds, nanos } = parseTime(value, now)
  return seconds * 1_000_000_000n + BigInt(nanos)
}

/** The longest a timer can wait, about 24 days; no stream of a namespace lives that long. */
const longestWait = 2 ** 31 - 1

function ends(until: bigint, now: number): AbortSignal {
  const wait = Number(until / 1_000_000n) - now
  return AbortSignal.timeout(Math.min(Math.max(wait, 0), longestWait))
}

interface Wanted {
  since: bigint | undefined
  until: bigint | undefined
  passes(event: EngineEvent): boolean
}

async function* watched({ past, next }: ReturnType<Host['watch']>, { since, until, passes }: Wanted): AsyncGenerator<EngineEvent> {
  const inTime = (event: EngineEvent) => until === undefined || nanosOf(event) <= until
  if (since !== undefined) yield* past.filter((event) => nanosOf(event) >= since && inTime(event) && passes(event))
  for await (const event of next) if (inTime(event) && passes(event)) yield event
}

/** The answer's numbers keep their digits, as raw JSON or as a number when that is exact. */
function nanosOf(event: EngineEvent): bigint {
  const { timeNano } = event
  return BigInt(typeof timeNano === 'number' ? timeNano : (timeNano as { rawJSON: string }).rawJSON)
}
