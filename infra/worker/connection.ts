import type { Connection, Host } from '../../lib/engine.ts'
import { Refusal } from '../../lib/refusal.ts'
import { headOf } from '../../lib/wire.ts'
import { bytesOf, type FetchEngine } from './engine.ts'

/** What rows that hand connections over are answered with. */
export function notHere(what: string): Refusal {
  return new Refusal(501, `${what} is not served by this gateway: it runs as a Worker, which cannot hand a connection over; use another gateway of the farm`)
}

/** The connection of one request to a Worker. `signal`: aborts when its client is gone or its namespace closed. */
export function workerConnection(request: Request, signal: AbortSignal, engineOf: (host: Host) => FetchEngine): Connection {
  const whole = async (limit: number) => collected(bytesOf(request.body), limit, Number(request.headers.get('content-length') ?? 0))
  const header = (name: string) => request.headers.get(name) ?? undefined
  return {
    method: request.method, signal, upgraded: false, rank: 1, header,
    headers: (name) => [header(name)].filter((value) => value !== undefined),
    body: whole,
    firstValue: whole,
    // What is cut here are answers that are a stream, and closing has none.
    outlive: () => {},
    upload: () => bytesOf(request.body),
    async relay(host, asked, shape, upload) {
      const answer = await engineOf(host).send(asked, { signal, body: upload ? request.body : null })
      const head = headOf(answer.status, Object.fromEntries(answer.headers))
      if (answer.status >= 400 && asked.method !== 'HEAD') return { ...head, text: await answer.text() }
      return new Response(answer.body, shape(head))
    },
    hijack: async () => { throw notHere('a stream in both directions') },
    serve: async () => { throw notHere('BuildKit') },
  }
}

async function collected(body: AsyncIterable<Uint8Array>, limit: number, announced: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (announced > limit) throw tooLarge(limit)
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) throw tooLarge(limit)
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

function tooLarge(limit: number): Refusal {
  return new Refusal(413, `the request body is larger than ${limit} bytes, more than this endpoint reads; send less`)
}
