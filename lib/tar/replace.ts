import { blockSize, entryOf, padding, paxRecords, readHeader, type TarHeader } from './header.ts'

/** What a file of an archive becomes, by its whole name. */
export type Replacements = Readonly<Record<string, (content: Uint8Array) => Uint8Array>>

/**
 * Passes an archive through as it comes, with some files replaced; only these are held in memory. For archives that an engine wrote: names are
 * taken as they are. Throws RangeError when it is no tar or a file to be replaced is larger than `limit` bytes.
 */
export async function* replaceFiles(archive: AsyncIterable<Uint8Array>, files: Replacements, limit: number): AsyncGenerator<Uint8Array> {
  const bytes = reader(archive)
  // An extended header and what it says of the entry behind it.
  let held: { raw: Uint8Array[]; name?: string; size?: number } = { raw: [] }
  for (;;) {
    const block = await bytes.exactly(blockSize)
    if (block === undefined) return
    const header = readHeader(block)
    if (header === undefined) break
    if ('xL'.includes(header.type)) {
      const content = await whole(bytes, header, limit)
      held = { raw: [...held.raw, block, content], ...extended(header, content) }
      continue
    }
    const { name = header.name, size = header.size } = held
    const replace = header.type === '0' && Object.hasOwn(files, name) ? files[name] : undefined
    if (replace) {
      yield entryOf(name, replace((await whole(bytes, { ...header, size }, limit)).subarray(0, size)))
    } else {
      yield* held.raw
      yield block
      yield* bytes.next('12345'.includes(header.type) ? 0 : size + padding(size))
    }
    held = { raw: [] }
  }
  yield new Uint8Array(blockSize)
  yield* bytes.rest()
}

function extended({ type, size }: TarHeader, content: Uint8Array): { name?: string; size?: number } {
  if (type === 'L') return { name: new TextDecoder().decode(content.subarray(0, size)).replace(/\0.*$/s, '') }
  const records = paxRecords(content.subarray(0, size))
  const [path, length] = [records.get('path'), records.get('size')]
  return { ...(path !== undefined && { name: path }), ...(length !== undefined && { size: Number(length) }) }
}

async function whole(bytes: Reader, { size }: TarHeader, limit: number): Promise<Uint8Array> {
  if (size > limit) throw new RangeError(`a file of ${size} bytes is larger than the ${limit} that are read of it`)
  const content = await bytes.exactly(size + padding(size))
  if (content === undefined) throw new RangeError('the tar ends too early')
  return content
}

type Reader = ReturnType<typeof reader>

/** Takes pieces of known lengths out of a stream of chunks. */
function reader(source: AsyncIterable<Uint8Array>) {
  const chunks = source[Symbol.asyncIterator]()
  let chunk: Uint8Array = new Uint8Array(0)

  async function more(): Promise<boolean> {
    while (chunk.length === 0) {
      const { done, value } = await chunks.next()
      if (done) return false
      chunk = value
    }
    return true
  }
  function take(length: number): Uint8Array {
    const piece = chunk.subarray(0, length)
    chunk = chunk.subarray(piece.length)
    return piece
  }
  /** Passes so many bytes on. Throws when there are fewer. */
  async function* next(length: number): AsyncGenerator<Uint8Array> {
    while (length > 0) {
      if (!await more()) throw new RangeError('the tar ends too early')
      const piece = take(length)
      length -= piece.length
      yield piece
    }
  }
  return {
    next,
    /** So many bytes at once, undefined at the end of the stream. */
    async exactly(length: number): Promise<Uint8Array | undefined> {
      if (length > 0 && !await more()) return undefined
      if (chunk.length >= length) return take(length)
      const whole = new Uint8Array(length)
      let at = 0
      for await (const piece of next(length)) {
        whole.set(piece, at)
        at += piece.length
      }
      return whole
    },
    async* rest(): AsyncGenerator<Uint8Array> {
      while (await more()) yield take(chunk.length)
    },
  }
}
