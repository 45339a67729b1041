import type { EngineHead, EngineRequest } from './engine.ts'
import { stringify } from './json.ts'

/** The parts of a request line and head that the engine gets. */
export interface WireRequest {
  method: EngineRequest['method']
  path: string
  headers: Record<string, string | string[]>
  body: string | undefined
}

/** Writes an engine request as it goes over the wire: version prefix, query, JSON body with its type. */
export function wire(request: EngineRequest): WireRequest {
  const body = request.body === undefined ? undefined : stringify(request.body)
  const headers = { ...request.headers } as WireRequest['headers']
  if (body !== undefined) headers['content-type'] = 'application/json'
  const query = search(request.query ?? {})
  return { method: request.method, path: `${request.version ? `/v${request.version}` : ''}${request.path}${query}`, headers, body }
}

function search(query: NonNullable<EngineRequest['query']>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : (Array.isArray(value) ? value : [value]).map((one) => `${encodeURIComponent(key)}=${encodeURIComponent(String(one))}`))
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** First values of raw header pairs, lower-case names. */
export function headOf(status: number, raw: Record<string, string | string[] | undefined>): EngineHead {
  const headers = Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, Array.isArray(value) ? value[0]! : value ?? '']))
  return { status, headers }
}
