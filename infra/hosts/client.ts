import type { Readable } from 'node:stream'
import { Pool, type Dispatcher } from 'undici'
import type { EngineAnswer, EngineHead, EngineRequest, EngineStream } from '../../lib/engine.ts'
import { headOf, wire } from '../../lib/wire.ts'
import { chunksOf } from '../chunks.ts'
import { unreachable } from './away.ts'
import { connector, type Connector, type EngineAddress } from './connect.ts'

/** Calls one engine. Connections are not bounded, so that idle streams (events, wait, logs -f) never hold back a call. */
export interface EngineClient {
  readonly connect: Connector['handedOver']
  readonly dispatcher: Dispatcher
  readonly origin: string
  call(request: EngineRequest, signal?: AbortSignal): Promise<EngineAnswer>
  stream(request: EngineRequest, options: { signal: AbortSignal; upload?: AsyncIterable<Uint8Array>; contentType?: string }): Promise<EngineStream>
  /** Fails the calls that are under way: the engine is not going to answer. Streams go on, should it come back. */
  abandon(): void
  close(): Promise<void>
}

/** `name` is what people call the host in messages. */
export function engineClient(name: string, address: EngineAddress): EngineClient {
  const origin = originOf(address)
  const connecting = connector(address)
  // No time limits: `wait`, `logs -f` and `events` are silent for as long as a job likes.
  const dispatcher = new Pool(origin, {
    connect: connecting.pooled, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000, pipelining: 1,
  })
  const away = (error: unknown) => unreachable(name, error)
  const waiting: Waiting = new Set()
  return {
    connect: connecting.handedOver, dispatcher, origin,
    call: (request, signal) => buffered(dispatcher, origin, waiting, request, signal).catch((error) => { throw away(error) }),
    stream: (request, options) => streamed(dispatcher, origin, request, options).catch((error) => { throw away(error) }),
    abandon() {
      for (const give of waiting) give(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }))
    },
    async close() {
      await dispatcher.destroy()
      await connecting.close()
    },
  }
}

function originOf(address: EngineAddress): string {
  if (!('host' in address)) return 'http://engine'
  return `${address.tls ? 'https' : 'http'}://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** How to fail each call that waits for its answer. */
type Waiting = Set<(reason: Error) => void>

function buffered(dispatcher: Dispatcher, origin: string, waiting: Waiting, request: EngineRequest, signal?: AbortSignal): Promise<EngineAnswer> {
  const { method, path, headers, body } = wire(request)
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    let head: EngineHead
    const chunks: Buffer[] = []
    let abort: (() => void) | undefined
    let give: ((reason: Error) => void) | undefined
    const done = () => {
      if (abort) signal?.removeEventListener('abort', abort)
      if (give) waiting.delete(give)
    }
    dispatcher.dispatch({ origin, method, path, headers, body: body ?? (method === 'POST' ? '' : undefined) }, {
      onRequestStart(controller) {
        abort = () => controller.abort(signal!.reason)
        signal?.addEventListener('abort', abort, { once: true })
        give = (reason) => controller.abort(reason)
        waiting.add(give)
      },
      onResponseStart(_controller, status, raw) { head = headOf(status, raw as Record<string, string | string[]>) },
      onResponseData(_controller, chunk) { chunks.push(chunk) },
      onResponseEnd() { done(); resolve({ ...head, text: (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8') }) },
      onResponseError(_controller, error) { done(); reject(error) },
    })
  })
}

async function streamed(dispatcher: Dispatcher, origin: string, request: EngineRequest, options: Parameters<EngineClient['stream']>[1]): Promise<EngineStream> {
  const { method, path, headers, body } = wire(request)
  if (options.upload) headers['content-type'] = options.contentType ?? 'application/x-tar'
  const answer = await dispatcher.request({
    origin, method, path, headers, signal: options.signal,
    body: (options.upload as never) ?? body ?? (method === 'POST' ? '' : undefined),
    highWaterMark: 1024 * 1024,
  })
  return { ...headOf(answer.statusCode, answer.headers), body: taken(answer.body) }
}

/** Who leaves an answer early is done with its connection. */
async function* taken(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* chunksOf(body)
  } finally {
    body.destroy()
  }
}
