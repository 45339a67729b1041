import type { Context, Hono } from 'hono'
import { observed, type House } from '../lib/pipeline.ts'
import { Refusal } from '../lib/refusal.ts'
import { streamOf } from '../lib/streams.ts'
import { bearerToken } from './bearer.ts'
import type { Entry } from './entry.ts'

/** What operators are told, and what the gateway's own checks say. */
export interface Operations {
  /** Does an operator bear this token? */
  authorised(token: string): Promise<boolean>
  /** Why the gateway cannot take work now, by real calls to its store and hosts; empty when it can. */
  problems(): Promise<string[]>
  /** Text for Prometheus with its content type. */
  exposition(): Promise<{ text: string; type: string }>
  /** What the operators' page shows, as one JSON value. */
  overview(): Promise<unknown>
  /** The same again and again, soon after it has changed, until the signal aborts. */
  overviews(signal: AbortSignal): AsyncIterable<unknown>
  /** A file of the operators' page: '' is the page itself. */
  page(file: string): { body: string; type: string } | undefined
}

/** The page loads nothing from elsewhere and runs no script but its own. */
const pageHeaders = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-cache',
}

/** A row of the operators' side. `open`: told without the operator's token. `does`: for people. */
export interface OperationsRow {
  endpoint: string
  path: `/${string}`
  open?: true
  does: string
  work(operations: Operations, entry: Entry, c: Context): Response | Promise<Response>
}

/** Health, metrics and the operators' page. Only whether the gateway lives and is ready is told without the operator's token. */
export const operationsRows: readonly OperationsRow[] = [
  { endpoint: 'Healthz', path: '/healthz', open: true, does: 'tells that the gateway lives', work: (_operations, _entry, c) => c.text('ok\n') },
  { endpoint: 'Readyz', path: '/readyz', open: true, does: 'tells whether it can take work: its store takes changes and a host answers; 503 and why otherwise',
    async work(operations, _entry, c) {
      const problems = await operations.problems()
      return problems.length === 0 ? c.text('ready\n') : c.text(`${problems.join('\n')}\n`, 503)
    } },
  { endpoint: 'Metrics', path: '/metrics', does: 'metrics for Prometheus',
    async work(operations) {
      const { text, type } = await operations.exposition()
      return new Response(text, { headers: { 'Content-Type': type } })
    } },
  { endpoint: 'Overview', path: '/operations', does: 'what the operators\' page shows, as JSON', work: async (operations, _entry, c) => c.json(await operations.overview() as object) },
  { endpoint: 'OverviewStream', path: '/operations/stream', does: 'the same again after each change, as server-sent events',
    work: (operations, { connection }) => new Response(streamOf(events(operations.overviews(connection.signal))), { headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' } }) },
  { endpoint: 'Dashboard', path: '/dashboard', open: true, does: 'the operators\' page, which asks for the token', work: (operations) => file(operations, '') },
  { endpoint: 'DashboardFile', path: '/dashboard/:file', open: true, does: 'its files', work: (operations, _entry, c) => file(operations, c.req.param('file') ?? '') },
]

/** Mounts them. */
export function mountOperations(operations: Operations, house: Pick<House, 'now' | 'observe'>): <E extends { Bindings: Entry }>(app: Hono<E>) => void {
  return (app) => {
    for (const { endpoint, path, open, work } of operationsRows) {
      app.on('GET', path, (c) => {
        const entry = c.env as Entry
        return observed(house, { endpoint, target: '', namespace: entry.namespace, method: 'GET', trace: undefined }, async () => {
          if (!open) await authorise(operations, entry)
          return work(operations, entry, c as never)
        })
      })
    }
  }
}

async function authorise(operations: Operations, { connection }: Entry): Promise<void> {
  const token = bearerToken(connection)
  if (token === undefined || !await operations.authorised(token)) {
    throw new Refusal(401, 'this endpoint needs the operator\'s token (Authorization: Bearer ...); it is in the file operator-token of the gateway\'s state directory')
  }
}

function file(operations: Operations, name: string): Response {
  const found = operations.page(name)
  if (found === undefined) throw new Refusal(404, 'page not found')
  return new Response(found.body, { headers: { ...pageHeaders, 'Content-Type': found.type } })
}

/** Server-sent events (WHATWG HTML, section 9.2), one JSON value each. */
async function* events(values: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const value of values) yield encoder.encode(`data: ${JSON.stringify(value)}\n\n`)
}
