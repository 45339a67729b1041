import type { EngineAnswer, EngineRequest, Host } from '../../lib/engine.ts'
import type { HostRecord } from '../../lib/farm.ts'
import { Refusal } from '../../lib/refusal.ts'
import { streamOf } from '../../lib/streams.ts'
import { headOf, wire } from '../../lib/wire.ts'
import type { Fetcher } from './settings.ts'

/** Calls one engine by fetch, which can neither open unix sockets nor hand connections over. */
export interface FetchEngine extends Pick<Host, 'call' | 'stream'> {
  /** One call whose answer is a stream of the platform's own, for bytes that are passed on untouched. */
  send(request: EngineRequest, options: { signal: AbortSignal; body?: ReadableStream<Uint8Array> | null }): Promise<Response>
}

/** `engines` is called instead of fetch where it is bound: engines that want a client certificate are reached in no other way. */
export function fetchEngine({ name, url, tls }: HostRecord, engines: Fetcher | undefined): FetchEngine {
  const origin = url.replace(/^tcp:/, tls ? 'https:' : 'http:').replace(/\/$/, '')

  async function sent(request: EngineRequest, signal: AbortSignal | undefined, upload: ReadableStream<Uint8Array> | null | undefined, type: string): Promise<Response> {
    if (!/^https?:/.test(origin)) throw new Refusal(503, `host ${name} is at ${url}, which a Worker cannot reach; use a gateway beside it`)
    if (tls?.cert && !engines) throw new Refusal(503, `host ${name} wants a client certificate, for which the Worker needs the binding ENGINES (an mTLS certificate)`)
    const { method, path, headers: plain, body } = wire(request)
    const headers = new Headers()
    for (const [header, values] of Object.entries(plain)) for (const value of [values].flat()) headers.append(header, value)
    if (upload) headers.set('content-type', type)
    const outgoing = new Request(origin + path, { method, headers, body: upload ?? body ?? (method === 'POST' ? '' : null), redirect: 'manual', ...(signal && { signal }) })
    try {
      return await (engines ?? globalThis).fetch(outgoing)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw new Refusal(503, `host ${name} does not answer (${(error as Error).message}); the namespace continues when the engine is back`)
    }
  }

  return {
    send: (request, { signal, body }) => sent(request, signal, body, 'application/x-tar'),
    async call(request, signal): Promise<EngineAnswer> {
      const answer = await sent(request, signal, undefined, '')
      return { ...headOf(answer.status, Object.fromEntries(answer.headers)), text: await answer.text() }
    },
    async stream(request, { signal, upload, contentType = 'application/x-tar' }) {
      const answer = await sent(request, signal, upload && streamOf(upload), contentType)
      return { ...headOf(answer.status, Object.fromEntries(answer.headers)), body: bytesOf(answer.body) }
    },
  }
}

/** The bytes of a stream of the platform's. */
export async function* bytesOf(stream: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = stream?.getReader()
  try {
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) yield read.value
  } finally {
    await reader?.cancel().catch(() => {})
  }
}
