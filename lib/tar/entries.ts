import { blockSize, isHeader, padding, paxRecords, readHeader, type TarHeader } from './header.ts'
import { reader, type Reader } from './reader.ts'

/** An entry of an archive. Its content is to be read before the next entry is asked for; what is left of it is passed over. */
export interface TarEntry extends TarHeader {
  content(): AsyncGenerator<Uint8Array>
}

/** Bytes of one extended header or long name. */
const extendedLimit = 64 * 1024

/**
 * The entries of an archive that a client sent, in one strict reading: what readers could take for different things is refused. In memory is
 * never more than a header. Throws RangeError for what is no complete tar, and for headers that no archiver writes.
 */
export async function* tarEntries(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const bytes = reader(archive)
  let extended: Partial<TarHeader> = {}
  for (;;) {
    const block = await bytes.exactly(blockSize)
    if (block === undefined) throw new RangeError('the tar ends too early')
    const header = readHeader(block)
    if (header === undefined) break
    if (!isHeader(block)) throw new RangeError('a tar header is damaged')
    if ('xgLK'.includes(header.type)) {
      const said = await extendedBy(bytes, header)
      // What a global header says of all entries is a comment.
      if (header.type !== 'g') extended = { ...extended, ...said }
      continue
    }
    const entry = { ...header, ...extended }
    extended = {}
    if (entry.size > 0 && '123456'.includes(entry.type)) throw new RangeError('a tar entry without content has a size')
    let unread = entry.size
    yield {
      ...entry,
      async* content() {
        for await (const piece of bytes.next(unread)) {
          unread -= piece.length
          yield piece
        }
      },
    }
    for await (const _ of bytes.next(unread + padding(entry.size))) { /* passed over */ }
  }
  for await (const _ of bytes.rest()) { /* Clients only listen after sending. */ }
}

async function extendedBy(bytes: Reader, { type, size }: TarHeader): Promise<Partial<TarHeader>> {
  if (size > extendedLimit) throw new RangeError(`an extended tar header of ${size} bytes is larger than any archiver writes`)
  const content = await bytes.exactly(size + padding(size))
  if (content === undefined) throw new RangeError('the tar ends too early')
  if (type === 'L' || type === 'K') {
    const name = new TextDecoder().decode(content.subarray(0, size)).replace(/\0.*$/s, '')
    return type === 'L' ? { name } : { linkname: name }
  }
  const records = paxRecords(content.subarray(0, size))
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse'))) throw new RangeError('a tar entry is a sparse file')
  const [path, linkpath, length] = [records.get('path'), records.get('linkpath'), records.get('size')]
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new RangeError('a tar entry has no valid size')
  return { ...(path !== undefined && { name: path }), ...(linkpath !== undefined && { linkname: linkpath }), ...(length !== undefined && { size: Number(length) }) }
}
