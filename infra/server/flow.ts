import type { Readable, Writable } from 'node:stream'
import { passed } from '../garbage.ts'

/** Pieces up to this many bytes are gathered: a TLS record is one, and each piece would be a call of the kernel. */
const smallPiece = 16 * 1024

/** Bytes gathered at most. */
const gathered = 128 * 1024

/** Buffers kept for whoever gathers next, of all connections together. */
const spare: Buffer[] = []
const spareKept = 16

/**
 * Moves bytes from one stream to the other at the slower one's speed, as `pipe` does, but small pieces that arrive in one turn of the event
 * loop are written at once. `end`: the end of the one is told to the other. Errors and closing are the caller's.
 */
export function flow(from: Readable, to: Writable, { end = true }: { end?: boolean } = {}): void {
  let buffer: Buffer | undefined
  let size = 0

  function write(piece: Buffer, done?: () => void): void {
    if (!to.writable) return done?.()
    if (!to.write(piece, done)) from.pause()
  }
  function flush(): void {
    if (buffer === undefined) return
    const mine = buffer
    const piece = mine.subarray(0, size)
    buffer = undefined
    size = 0
    write(piece, () => { if (spare.length < spareKept) spare.push(mine) })
  }
  function gather(piece: Buffer): void {
    if (size + piece.length > gathered) flush()
    if (buffer === undefined) {
      buffer = spare.pop() ?? Buffer.allocUnsafeSlow(gathered)
      setImmediate(flush)
    }
    buffer.set(piece, size)
    size += piece.length
  }

  to.on('drain', () => from.resume())
  from.on('data', (piece: Buffer) => {
    passed(piece.length)
    if (piece.length <= smallPiece) return gather(piece)
    flush()
    write(piece)
  })
  from.on('end', () => {
    flush()
    if (end) to.end()
  })
}
