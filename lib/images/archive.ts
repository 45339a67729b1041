import { stringify } from '../json.ts'
import { blockSize, entryOf, headerOf, padding } from '../tar/header.ts'
import { tarEntries, type TarEntry } from '../tar/entries.ts'
import { entryChecker } from './archive-entries.ts'
import { bad, namedFileLimit, namedFiles, type NameOnEngine } from './archive-names.ts'
import { decompressed } from './compression.ts'

/** An archive on its way to the engine. */
export interface RewrittenArchive {
  /** The archive with every reference replaced, as it comes. Fails when the archive is refused or the source fails. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** Why the archive was refused, once it was. */
  failure(): unknown
}

/**
 * Rewrites an image archive while it streams: nothing but the small files with names in them is held in memory. Every header is
 * written anew from the checked fields, and the end of the archive only after everything was fine, so that an engine never sees the
 * whole of an archive that is refused. A refused archive is still read to its end, since clients only listen after sending.
 */
export function rewriteArchive(source: AsyncIterable<Uint8Array>, name: NameOnEngine): RewrittenArchive {
  const chunks = source[Symbol.asyncIterator]()
  // Without a `return`, so that who stops reading can go on here.
  const plain = decompressed({ [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) })
  let failure: unknown
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* rewritten(tarEntries(plain), name)
    } catch (error) {
      failure = error instanceof RangeError ? bad(`it is not a complete tar archive (${error.message})`) : error
      while (!(await chunks.next()).done) { /* dropped */ }
      throw failure
    }
  }
  return { bytes: bytes(), failure: () => failure }
}

/** Types of entries as people say them, by their flags. */
const types: Readonly<Record<string, string>> = { 0: 'file', 7: 'file', 1: 'link', 2: 'symlink', 3: 'character-device', 4: 'block-device', 5: 'directory', 6: 'fifo' }
const flags = { file: '0', directory: '5', symlink: '2' } as const

async function* rewritten(entries: AsyncIterable<TarEntry>, name: NameOnEngine): AsyncGenerator<Uint8Array> {
  const check = entryChecker()
  let manifest = false
  for await (const entry of entries) {
    // Old archivers write a directory as a file with a slash.
    const type = entry.type === '0' && entry.name.endsWith('/') ? 'directory' : types[entry.type] ?? `an entry of type ${JSON.stringify(entry.type)}`
    const header = check({ ...entry, type })
    if (header === undefined) continue
    const named = header.type === 'file' && Object.hasOwn(namedFiles, header.name) ? namedFiles[header.name] : undefined
    manifest ||= header.name === 'manifest.json' && header.type === 'file'
    if (named !== undefined) {
      yield entryOf(header.name, new TextEncoder().encode(stringify(named(await small(entry, header.name), name))))
      continue
    }
    const size = header.type === 'file' ? entry.size : 0
    yield headerOf({ name: header.name, type: flags[header.type], linkname: header.linkname ?? '', size, mode: entry.mode & 0o777, mtime: entry.mtime })
    if (size > 0) yield* entry.content()
    if (padding(size) > 0) yield new Uint8Array(padding(size))
  }
  if (!manifest) throw bad('it has no manifest.json')
  yield new Uint8Array(2 * blockSize)
}

async function small(entry: TarEntry, name: string): Promise<Uint8Array> {
  if (entry.size > namedFileLimit) throw bad(`${name} is larger than ${namedFileLimit} bytes`)
  const content = new Uint8Array(entry.size)
  let at = 0
  for await (const piece of entry.content()) {
    content.set(piece, at)
    at += piece.length
  }
  return content
}
