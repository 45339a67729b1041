import { endpoint, type Endpoint } from '../lib/endpoint.ts'
import { nanosOf, type EngineEvent } from '../lib/events.ts'
import { matchEvent, type EventMessage } from '../lib/filters/events.ts'
import { parseFilters } from '../lib/filters/parse.ts'
import { parseTime } from '../lib/go.ts'
import { text } from '../lib/query.ts'

const query = { since: text, until: text, filters: text }

/** `GET /events` (Engine API, SystemEvents; engine-api.md A.1, C.3): one upstream stream per host serves every watcher of every namespace. */
export const events: readonly Endpoint[] = [
  endpoint({
    name: 'SystemEvents', route: 'GET /events', query,
    async answer(call) {
      const filters = parseFilters(call.query.filters)
      const since = moment(call.query.since, call.now)
      const until = moment(call.query.until, call.now)
      const signal = until === undefined ? call.connection.signal : AbortSignal.any([call.connection.signal, ends(until, call.now)])
      const seen = await call.host.watch(call.ns, signal, since)
      return { status: 200, lines: watched(seen, (event) => (until === undefined || nanosOf(event) <= until) && matchEvent(filters, event as EventMessage)) }
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

async function* watched(events: AsyncIterable<EngineEvent>, passes: (event: EngineEvent) => boolean): AsyncGenerator<EngineEvent> {
  for await (const event of events) if (passes(event)) yield event
}
