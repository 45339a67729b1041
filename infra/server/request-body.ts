import type { IncomingMessage } from 'node:http'
import { jsonEndFinder } from '../../lib/json.ts'
import { Refusal } from '../../lib/refusal.ts'

/** The whole body of a request. Throws `Refusal` 413 beyond `limit` bytes. */
export async function wholeBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  return collect(incoming, limit, () => undefined)
}

/** With a length in sight the whole body is read; an open-ended one is read to the end of its first JSON value, what follows stays to be read. */
export async function firstJsonValue(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  return incoming.headers['content-length'] === undefined ? collect(incoming, limit, jsonEndFinder()) : wholeBody(incoming, limit)
}

async function collect(incoming: IncomingMessage, limit: number, endIn: (piece: Buffer) => number | undefined): Promise<Uint8Array> {
  if (Number(incoming.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
  const gathered = gather()
  for await (const piece of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const end = endIn(piece)
    gathered.add(piece.subarray(0, end))
    if (gathered.size() > limit) throw tooLarge(limit)
    if (end === undefined) continue
    if (end < piece.length) incoming.unshift(piece.subarray(end))
    break
  }
  return gathered.bytes()
}

/** One piece of memory however small the pieces come: kept as they are, a million of one byte would take a hundred times as much. */
function gather() {
  let memory = Buffer.allocUnsafe(4096)
  let size = 0
  return {
    add(piece: Buffer): void {
      if (size + piece.length > memory.length) {
        const larger = Buffer.allocUnsafe(Math.max(2 * memory.length, size + piece.length))
        memory.copy(larger, 0, 0, size)
        memory = larger
      }
      size += piece.copy(memory, size)
    },
    size: () => size,
    bytes: () => memory.subarray(0, size),
  }
}

function tooLarge(limit: number): Refusal {
  return new Refusal(413, `the request body is larger than ${limit} bytes, more than this endpoint reads; send less`)
}
