import type { Readable } from 'node:stream'
import { passed } from './garbage.ts'

/** Bytes that wait for whoever takes them; then the source waits. */
const enough = 1024 * 1024
/** The same in pieces, which may be of one byte and cost a hundred each. */
const enoughPieces = 1024

/** The chunks of a stream, to be iterated once. */
export interface Chunks extends AsyncIterableIterator<Uint8Array> {
  /** Nobody takes any more: what is held and what still comes is dropped. */
  drop(): void
}

/**
 * The chunks of a stream as they arrive, read ahead so that neither side waits for the other's turn. Unlike the stream's own iterator it joins
 * nothing, which would be a copy of all, and leaving early does not destroy the stream. Fails with what the stream fails with, after what came before.
 */
export function chunksOf(stream: Readable): Chunks {
  let held: Uint8Array[] = []
  let size = 0
  let over: { error?: unknown } | undefined
  let taker: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: unknown): void } | undefined
  let listening = false

  function arrived(piece: Uint8Array): void {
    passed(piece.length)
    if (taker !== undefined) {
      taker.resolve({ done: false, value: piece })
      taker = undefined
      return
    }
    held.push(piece)
    size += piece.length
    if (size >= enough || held.length >= enoughPieces) stream.pause()
  }
  function end(error?: unknown): void {
    over ??= error === undefined ? {} : { error }
    if (over.error !== undefined) taker?.reject(over.error)
    else taker?.resolve({ done: true, value: undefined })
    taker = undefined
  }
  function listen(): void {
    listening = true
    stream.on('data', arrived).on('end', () => end()).on('error', end).on('close', () => end(new Error('the stream was closed before its end')))
  }
  function take(): Uint8Array {
    const piece = held.shift()!
    size -= piece.length
    if (stream.isPaused() && size < enough / 2 && held.length < enoughPieces / 2) stream.resume()
    return piece
  }
  return {
    [Symbol.asyncIterator]() { return this },
    next() {
      if (!listening) listen()
      if (held.length > 0) return Promise.resolve({ done: false, value: take() })
      if (over?.error !== undefined) return Promise.reject(over.error)
      if (over !== undefined) return Promise.resolve({ done: true, value: undefined })
      return new Promise((resolve, reject) => { taker = { resolve, reject } })
    },
    drop() {
      held = []
      size = 0
      end()
      stream.off('data', arrived).resume()
    },
  }
}
