import type { Writable } from 'node:stream'
import { codes, GrpcError, type GrpcMessage } from '../../lib/grpc.ts'
import { passed } from '../garbage.ts'

/** Bytes of one message that either side may send; grpc-go's own limit in dockerd and buildx is the same. */
export const messageLimit = 16 * 1024 * 1024

const prefixLength = 5

/** Bytes that may be held in unfinished or unserved messages at one time. */
export interface Budget {
  /** False when there is not so much left. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export function budget(limit: number): Budget {
  let left = limit
  return {
    take(bytes) {
      if (bytes > left) return false
      left -= bytes
      return true
    },
    give(bytes) { left += bytes },
  }
}

/** A budget of one call. What it has taken at most stays taken until its end, because whoever serves the call may keep what it has read. */
export interface CallBudget extends Budget {
  end(): void
}

export function callBudget(of: Budget): CallBudget {
  let [most, now] = [0, 0]
  return {
    take(bytes) {
      const more = Math.max(0, now + bytes - most)
      if (!of.take(more)) return false
      most += more
      now += bytes
      return true
    },
    give(bytes) { now -= bytes },
    end() {
      of.give(most)
      most = 0
    },
  }
}

/** A message with its length prefix (grpc/grpc, doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message), never compressed. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefixLength + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, prefixLength)
  return frame
}

/** Bytes of a message. */
export function sizeOf(message: GrpcMessage): number {
  return message instanceof Uint8Array ? message.length : message.reduce((size, piece) => size + piece.length, 0)
}

/** Messages from here on are written beside their prefix, not copied behind it. */
const largeMessage = 32 * 1024

/** Writes a message as `framed` would; false when the stream wants no more for now. */
export function writeFramed(stream: Writable, message: GrpcMessage): boolean {
  if (message instanceof Uint8Array) return message.length < largeMessage ? stream.write(framed(message)) : writePieces(stream, [message])
  return writePieces(stream, message)
}

function writePieces(stream: Writable, pieces: readonly Uint8Array[]): boolean {
  const prefix = Buffer.alloc(prefixLength)
  prefix.writeUInt32BE(sizeOf(pieces), 1)
  stream.cork()
  stream.write(prefix)
  let ready = true
  for (const piece of pieces) ready = stream.write(piece)
  stream.uncork()
  return ready
}

/** Pieces of an unfinished message that are kept as they came. */
const looseChunks = 1024

/**
 * The messages in a stream of bytes. Throws a GrpcError for compressed messages, for those above the limit or beyond the budget, and
 * for a stream that ends inside one.
 */
export async function* messages(bytes: AsyncIterable<Uint8Array>, held: Budget): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = []
  let loose = 0
  let size = 0
  let wanted: number | undefined
  try {
    for await (const chunk of bytes) {
      // Once as it came, once in its message.
      passed(2 * chunk.length)
      chunks.push(chunk)
      size += chunk.length
      // Pieces of one byte would each take a hundred.
      if (++loose === looseChunks) {
        chunks.push(Buffer.concat(chunks.splice(-looseChunks)))
        loose = 0
      }
      while (size >= (wanted ?? prefixLength)) {
        if (wanted === undefined) {
          chunks = [joined(chunks)]
          loose = 0
          wanted = lengthIn(chunks[0]!)
          if (!held.take(wanted)) {
            wanted = undefined
            throw new GrpcError(codes.resourceExhausted, 'too much is being sent to BuildKit at one time in this namespace; send less at once')
          }
          continue
        }
        const all = joined(chunks)
        yield all.subarray(prefixLength, wanted)
        held.give(wanted)
        chunks = all.length === wanted ? [] : [all.subarray(wanted)]
        loose = 0
        size = all.length - wanted
        wanted = undefined
      }
    }
  } finally {
    if (wanted !== undefined) held.give(wanted)
  }
  if (size > 0) throw new GrpcError(codes.internal, 'the stream ended in the middle of a message')
}

function joined(chunks: readonly Uint8Array[]): Buffer {
  const [first] = chunks
  return chunks.length === 1 ? Buffer.from(first!.buffer, first!.byteOffset, first!.byteLength) : Buffer.concat(chunks)
}

function lengthIn(start: Uint8Array): number {
  if (start[0] !== 0) throw new GrpcError(codes.unimplemented, 'compressed messages are not served here; send them uncompressed')
  const length = Buffer.from(start.buffer, start.byteOffset, prefixLength).readUInt32BE(1)
  if (length > messageLimit) throw new GrpcError(codes.resourceExhausted, `a message of ${length} bytes is larger than the ${messageLimit} bytes that are served`)
  return prefixLength + length
}
