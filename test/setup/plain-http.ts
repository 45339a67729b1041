import { request } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request as an attacker writes it: the target goes out as it stands. */
export interface Ask {
  method?: string
  target: string
  /** Content-Type of the body; `application/json` unless said, null for none. */
  type?: string | null
  headers?: Record<string, string>
  /** A text or bytes as they are; anything else is written as JSON. */
  body?: unknown
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** The parsed body; undefined when it is no JSON. */
  json: any
}

/** Sends one request over a unix socket on a connection of its own, and reads the whole answer. Rejects after a minute. */
export async function ask(socketPath: string, { method = 'GET', target, type = 'application/json', headers = {}, body }: Ask): Promise<Answer> {
  const bytes = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const sent = { ...(bytes !== undefined && type !== null && { 'content-type': type }), 'content-length': String(Buffer.byteLength(bytes ?? '')), ...headers }
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path: target, headers: sent, agent: false, timeout: 60_000 }, (incoming) => {
      buffer(incoming).then((all) => {
        const text = all.toString()
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: parsed(text) })
      }, reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${target} was not answered within a minute`)))
    outgoing.on('error', reject).end(bytes)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Sends bytes over a unix socket and answers what came back until the other side closed. With `end` our side is closed after them. */
export async function exchange(socketPath: string, bytes: string | Uint8Array, { end = false, timeout = 60_000 } = {}): Promise<string> {
  const socket = connect({ path: socketPath, allowHalfOpen: true })
  const timer = setTimeout(() => socket.destroy(new Error(`not closed within ${timeout} ms`)), timeout)
  socket.on('connect', () => { socket.write(bytes); if (end) socket.end() })
  try {
    return (await buffer(socket)).toString('latin1')
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}
