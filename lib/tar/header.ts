/** Blocks of tar archives (POSIX.1-1988 ustar and pax; GNU long names). */

export const blockSize = 512

/** What a header block says. `size`: bytes of the entry's content, without padding. */
export interface TarHeader {
  name: string
  size: number
  /** The type flag; '0' for a file of either spelling. */
  type: string
  linkname: string
  /** Permission bits and what is above them. */
  mode: number
  /** Seconds since the epoch. */
  mtime: number
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
  return {
    name: (prefix === '' ? '' : `${prefix}/`) + text(0, 100), size: readNumber(block.subarray(124, 136)), type: type === '\0' ? '0' : type, linkname: text(157, 100),
    mode: readNumber(block.subarray(100, 108)), mtime: readNumber(block.subarray(136, 148)),
  }
}

/** Octal digits, or from 8 GiB on a big-endian number with the first bit set. */
function readNumber(field: Uint8Array): number {
  const number = field[0]! & 0x80
    ? field.reduce((sum, byte, at) => sum * 256 + (at === 0 ? byte & 0x7f : byte), 0)
    : Number.parseInt(decoder.decode(field).replace(/[\0 ]+/g, '') || '0', 8)
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError('a tar entry has no valid size')
  return number
}

/** An entry with its header and padding; `name` has at most 100 bytes. `type`: a file unless said. */
export function entryOf(name: string, content: Uint8Array, type = '0'): Uint8Array {
  const entry = new Uint8Array(blockSize + content.length + padding(content.length))
  entry.set(headerOf({ name, type, size: content.length, linkname: '', mode: 0o644, mtime: 0 }))
  entry.set(content, blockSize)
  return entry
}

/** A header block, behind an extended one when a name is too long or the size too large for it. */
export function headerOf(header: TarHeader): Uint8Array {
  const { name, linkname, size } = header
  const records = [...isLong(name) ? [`path=${name}`] : [], ...isLong(linkname) ? [`linkpath=${linkname}`] : [], ...size > largest ? [`size=${size}`] : []]
  if (records.length === 0) return headerBlock(header)
  const extended = entryOf('PaxHeader', new TextEncoder().encode(records.map(paxRecord).join('')), 'x')
  const block = new Uint8Array(extended.length + blockSize)
  block.set(extended)
  block.set(headerBlock({ ...header, name: name.slice(0, 24), linkname: linkname.slice(0, 24), size: Math.min(size, largest) }), extended.length)
  return block
}

const largest = 0o77777777777
const isLong = (text: string) => new TextEncoder().encode(text).length > 100

/** The length counts itself. */
function paxRecord(record: string): string {
  const length = new TextEncoder().encode(record).length + 2
  const digits = String(length + String(length).length).length
  return `${length + digits} ${record}\n`
}

function headerBlock({ name, type, size, linkname, mode, mtime }: TarHeader): Uint8Array {
  const block = new Uint8Array(blockSize)
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  put(name, 0)
  put(`${octal(mode & 0o7777, 7)}${octal(0, 7)}${octal(0, 7)}`, 100)
  put(octal(size, 11), 124)
  put(octal(Math.min(Math.floor(mtime), largest), 11), 136)
  put(`        ${type}`, 148)
  put(linkname, 157)
  put('ustar\x0000', 257)
  put(`${block.reduce((total, byte) => total + byte, 0).toString(8).padStart(6, '0')}\0 `, 148)
  return block
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
