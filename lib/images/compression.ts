import { bad } from './archive-names.ts'

/** First bytes of what engines unpack by themselves (moby/go-archive, compression). */
const magics = [
  { kind: 'gzip', bytes: [0x1f, 0x8b] },
  { kind: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
  { kind: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { kind: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
] as const

const longestMagic = 6

/** The archive as plain tar: gzip is unpacked, other compressions are refused with what to do instead. */
export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]()
  let head: Uint8Array = new Uint8Array(0)
  while (head.length < longestMagic) {
    const { done, value } = await chunks.next()
    if (done) break
    head = head.length === 0 ? value : joined(head, value)
  }
  const kind = magics.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte))?.kind
  const whole = withHead(head, chunks)
  if (kind === undefined) return yield* whole
  if (kind === 'gzip') return yield* gunzipped(whole)
  for await (const _ of whole) { /* Clients only listen after sending. */ }
  throw bad(`it is compressed with ${kind}, which cannot be unpacked here`)
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

async function* withHead(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  for (;;) {
    const { done, value } = await rest.next()
    if (done) return
    yield value
  }
}

async function* gunzipped(source: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const packed = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
  const unpacking = packed.pipeThrough(new DecompressionStream('gzip') as unknown as ReadableWritablePair<Uint8Array, Uint8Array>)
  try {
    yield* unpacking as unknown as AsyncIterable<Uint8Array>
  } catch (error) {
    throw error instanceof TypeError ? bad('its gzip data is damaged') : error
  }
}
