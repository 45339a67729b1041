import { blockSize, entryOf, padding, paxRecords, readHeader, type TarHeader } from './header.ts'
import { reader, type Reader } from './reader.ts'

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
