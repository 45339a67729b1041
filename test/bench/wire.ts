import { once } from 'node:events'
import type { Socket } from 'node:net'

/** What a client sends. `body` is JSON; an upload is sent by `upload` instead. */
export interface Ask {
  method: string
  path: string
  body?: unknown
  headers?: Record<string, string>
}

export interface Answer {
  status: number
  body: Buffer
}

function head({ method, path, headers = {} }: Ask, more: Record<string, string | number> = {}): string {
  const lines = Object.entries({ Host: 'docker', ...headers, ...more }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

function text(ask: Ask, more: Record<string, string | number> = {}): string {
  if (ask.body === undefined) return head(ask, { ...(ask.method === 'POST' && { 'Content-Length': 0 }), ...more })
  const body = JSON.stringify(ask.body)
  return head(ask, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...more }) + body
}

/** Answers to one request after another on a connection; far cheaper than `node:http`, so that the client is not what is measured. */
export function asker(socket: Socket): { ask(request: Ask): Promise<Answer>; close(): void } {
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void; method: string } | undefined
  let chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks)
    const answer = waiting && complete(bytes, waiting.method)
    if (!answer) return void (chunks = [bytes])
    const { resolve } = waiting!
    chunks = []
    waiting = undefined
    resolve(answer)
  })
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('the connection was closed')))
  return {
    ask: (request) => new Promise((resolve, reject) => {
      waiting = { resolve, reject, method: request.method }
      socket.write(text(request))
    }),
    close: () => socket.destroy(),
  }
}

/** One whole answer, or undefined while bytes are missing. */
function complete(bytes: Buffer, method: string): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const start = bytes.toString('latin1', 0, end)
  const status = Number(start.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(start)?.[1]
  if (method === 'HEAD' || status === 204 || status === 304) return { status, body: Buffer.alloc(0) }
  if (length !== undefined) return bytes.length < end + 4 + Number(length) ? undefined : { status, body: bytes.subarray(end + 4, end + 4 + Number(length)) }
  return bytes.subarray(-5).equals(lastChunk) ? { status, body: unchunked(bytes.subarray(end + 4)) } : undefined
}

const lastChunk = Buffer.from('0\r\n\r\n')

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const line = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (!size) return Buffer.concat(parts)
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 4 + size
  }
}

/** Sends a request whose answer is a stream; resolves with the socket, and the answer's first bytes, once the head is there. */
export async function begin(socket: Socket, request: Ask, { upgrade = false } = {}): Promise<{ status: number; rest: Buffer }> {
  socket.write(text(request, upgrade ? { Connection: 'Upgrade', Upgrade: 'tcp' } : { Connection: 'close' }))
  return headOf(socket)
}

async function headOf(socket: Socket): Promise<{ status: number; rest: Buffer }> {
  let bytes = Buffer.alloc(0)
  for (;;) {
    const [chunk] = await once(socket, 'data') as [Buffer]
    bytes = Buffer.concat([bytes, chunk])
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) continue
    socket.pause()
    return { status: Number(bytes.toString('latin1', 9, 12)), rest: bytes.subarray(end + 4) }
  }
}

/** Reads to the end and answers how many bytes came. */
export function drained(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let size = 0
    socket.on('data', (chunk) => { size += chunk.length }).on('error', reject).on('end', () => resolve(size)).on('close', () => resolve(size)).resume()
  })
}

/** Writes `size` bytes made of `piece`, as fast as they are taken. */
export async function pump(socket: Socket, piece: Buffer, size: number): Promise<void> {
  for (let left = size; left > 0; left -= piece.length) {
    if (!socket.write(left < piece.length ? piece.subarray(0, left) : piece)) await once(socket, 'drain')
  }
}

/** A request with a streamed body in chunks of 32 KiB, as Go's clients send them; resolves to the whole answer. */
export async function upload(socket: Socket, request: Ask, body: readonly Buffer[]): Promise<Answer> {
  socket.write(head(request, { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/x-tar', Connection: 'close' }))
  const answered = answerOf(socket, request.method)
  for (const piece of body) {
    for (let at = 0; at < piece.length; at += 32768) {
      const part = piece.subarray(at, at + 32768)
      socket.cork()
      socket.write(`${part.length.toString(16)}\r\n`)
      socket.write(part)
      const room = socket.write('\r\n')
      socket.uncork()
      if (!room) await Promise.race([once(socket, 'drain'), answered])
    }
  }
  socket.write(lastChunk)
  return answered
}

function answerOf(socket: Socket, method: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const look = (ended: boolean) => {
      const bytes = Buffer.concat(chunks)
      const answer = complete(bytes, method)
      if (answer) return resolve(answer)
      if (ended) reject(new Error(`the connection ended before the answer: ${bytes.toString('latin1', 0, 400)}`))
    }
    socket.on('data', (chunk: Buffer) => { chunks.push(chunk); look(false) }).on('end', () => look(true)).on('error', reject)
  })
}
