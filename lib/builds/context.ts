import { codes, GrpcError } from '../grpc.ts'
import { Refusal } from '../refusal.ts'
import { blockSize, entryOf, isHeader } from '../tar/header.ts'

/** The body of a request on its way into a build, taken at the speed of whoever takes it. */
export interface Context {
  /** Looks at the first bytes. Throws `Refusal` 400 when they begin no archive that BuildKit unpacks. */
  check(): Promise<void>
  /** The chunks of a checked archive, to be taken once. */
  take(): AsyncGenerator<Uint8Array>
  /** Reads and drops the rest: clients only listen after sending. */
  drain(): Promise<void>
}

/** First bytes of what BuildKit unpacks (moby/buildkit, frontend/dockerui isArchive). */
const packed = [[0x1f, 0x8b, 0x08], [0x42, 0x5a, 0x68], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]] as const

/**
 * BuildKit looks at the first two blocks only, and takes what begins with a longer extended header for a Dockerfile. So a global header
 * without meaning goes first, which every reader passes over.
 */
const opening = entryOf('pax_global_header', new TextEncoder().encode('19 comment=context\n'), 'g')

export function contextOf(upload: AsyncIterable<Uint8Array>): Context {
  // The iterator is never told to return: that would end the client's connection.
  const chunks = upload[Symbol.asyncIterator]()
  let head: Uint8Array[] | undefined
  return {
    async check() {
      let first: Uint8Array = new Uint8Array()
      while (first.length < blockSize) {
        const { done, value } = await chunks.next()
        if (done) break
        first = joined([first, value])
      }
      if (first.length === 0) throw new Refusal(400, 'the build context is empty: send a tar archive with a Dockerfile as the body')
      if (isHeader(first)) head = [opening, first]
      else if (packed.some((magic) => magic.every((byte, at) => first[at] === byte))) head = [first]
      else throw new Refusal(400, 'the build context is no tar archive, plain or compressed with gzip, bzip2 or xz')
    },
    async* take() {
      if (head === undefined) throw new GrpcError(codes.notFound, 'the build context has been read already')
      const first = head
      head = undefined
      yield* first
      yield* { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) }
    },
    async drain() {
      try {
        while (!(await chunks.next()).done) { /* dropped */ }
      } catch { /* The client is gone. */ }
    },
  }
}

/** Chunks as one. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
