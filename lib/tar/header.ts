/** Blocks of tar archives (POSIX.1-1988 ustar and pax; GNU long names). */

export const blockSize = 512

/** What a header block says. `size`: bytes of the entry's content, without padding. */
export interface TarHeader {
  name: string
  size: number
  /** The type flag; '0' for a file of either spelling. */
  type: string
}

const decoder = new TextDecoder()

/** Undefined for a block of zeros, which ends an archive. Throws RangeError for a size that no archive has. */
export function readHeader(block: Uint8Array): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  const text = (from: number, length: number) => {
    const end = block.indexOf(0, from)
    return decoder.decode(block.subarray(from, end === -1 || end > from + length ? from + length : end))
  }
  const prefix = text(257, 5) === 'ustar' && block[263] === 0x30 ? text(345, 155) : ''
  const type = String.fromCharCode(block[156]!)
  return { name: (prefix === '' ? '' : `${prefix}/`) + text(0, 100), size: readSize(block.subarray(124, 136)), type: type === '\0' ? '0' : type }
}

/** Octal digits, or from 8 GiB on a big-endian number with the first bit set. */
function readSize(field: Uint8Array): number {
  const size = field[0]! & 0x80
    ? field.reduce((sum, byte, at) => sum * 256 + (at === 0 ? byte & 0x7f : byte), 0)
    : Number.parseInt(decoder.decode(field).replace(/[\0 ]+/g, '') || '0', 8)
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('a tar entry has no valid size')
  return size
}

/** An entry with its header and padding; `name` has at most 100 bytes. `type`: a file unless said. */
export function entryOf(name: string, content: Uint8Array, type = '0'): Uint8Array {
  const entry = new Uint8Array(blockSize + content.length + padding(content.length))
  const put = (text: string, at: number) => entry.set(new TextEncoder().encode(text), at)
  put(name, 0)
  put('0000644\0' + '0000000\0' + '0000000\0', 100)
  put(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  put('00000000000\0', 136)
  put(`        ${type}`, 148)
  put('ustar\x0000', 257)
  const sum = entry.subarray(0, blockSize).reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  entry.set(content, blockSize)
  return entry
}

/** Is this the first block of a tar? Its checksum is that of its bytes, with blanks for the checksum itself. */
export function isHeader(block: Uint8Array): boolean {
  if (block.length < blockSize) return false
  const said = Number.parseInt(decoder.decode(block.subarray(148, 156)).replace(/[\0 ]+/g, ''), 8)
  return said === block.subarray(0, blockSize).reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0)
}

/** Bytes that fill the last block of a content. */
export function padding(size: number): number {
  return (blockSize - size % blockSize) % blockSize
}

/** The records of a pax extended header (POSIX.1-2001): `LENGTH KEY=VALUE\n` each. */
export function paxRecords(content: Uint8Array): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at)
    const length = Number(decoder.decode(content.subarray(at, space)))
    if (space === -1 || !Number.isInteger(length) || length <= space - at || at + length > content.length) throw new RangeError('a pax header of a tar is damaged')
    const record = decoder.decode(content.subarray(space + 1, at + length - 1))
    const equals = record.indexOf('=')
    records.set(record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return records
}
