import { extract, pack, type Header as Given, type Pack } from 'tar-stream'
import { stringify } from '../json.ts'
import { entryChecker, type CheckedEntry } from './archive-entries.ts'
import { bad, namedFileLimit, namedFiles, type NameOnEngine } from './archive-names.ts'
import { decompressed } from './compression.ts'

/** What a header is written from. */
type Header = Partial<Given> & Pick<Given, 'name'>

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
  const from = extract()
  const to = pack()
  // Told through `bytes`, also when that is not read yet or never will be.
  to.on('error', () => {})
  let failure: unknown
  const feeding = feed(decompressed(source), from)
  const over = Promise.all([feeding, rewrite(from, to, name)]).then(() => to.finalize(), async (error) => {
    failure = error
    from.destroy(error as Error)
    await feeding.catch(() => {})
    to.destroy(error as Error)
  })
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* to as unknown as AsyncIterable<Uint8Array>
    } catch (error) {
      // Streams may break before the reason has come round.
      await over
      throw failure ?? error
    }
  }
  return { bytes: bytes(), failure: () => failure }
}

/** An entry of the parser: its types say less than it does. */
type Entry = AsyncIterable<Uint8Array> & { resume(): void; pipe(to: unknown): void; on(event: 'error', listener: (error: Error) => void): void }

/** Writes what comes into the parser at the parser's speed; what comes after the parser has stopped is read and dropped. */
async function feed(source: AsyncIterable<Uint8Array>, parser: ReturnType<typeof extract>): Promise<void> {
  let failed: Error | undefined
  let wake: (() => void) | undefined
  parser.on('drain', () => wake?.())
  parser.on('error', (error: Error) => { failed = error })
  parser.on('close', () => { failed ??= new Error('closed'); wake?.() })
  try {
    for await (const chunk of source) {
      if (failed || parser.destroyed || parser.write(chunk)) continue
      await new Promise<void>((resolve) => { wake = resolve; if (parser.destroyed) resolve() })
    }
    if (!failed) parser.end(null)
  } catch (error) {
    parser.destroy(error as Error)
    throw error
  }
}

async function rewrite(from: ReturnType<typeof extract>, to: Pack, name: NameOnEngine): Promise<void> {
  const check = entryChecker()
  let manifest = false
  try {
    for await (const entry of from) {
      const header = check(entry.header)
      if (header === undefined) { entry.resume(); continue }
      const named = header.type === 'file' && Object.hasOwn(namedFiles, header.name) ? namedFiles[header.name] : undefined
      manifest ||= header.name === 'manifest.json' && header.type === 'file'
      if (named === undefined) await copy(entry as unknown as Entry, to, written(entry.header, header))
      else to.entry({ name: header.name, mode: 0o644, mtime: new Date(0) }, stringify(named(await small(entry as unknown as Entry, header.name), name)))
    }
  } catch (error) {
    throw error instanceof Error && /invalid tar header|unexpected end of data/i.test(error.message) ? bad('it is not a complete tar archive') : error
  }
  if (!manifest) throw bad('it has no manifest.json')
}

function written({ size, mode, mtime }: Given, { name, type, linkname }: CheckedEntry): Header {
  return { name, type, size: type === 'file' ? size : 0, ...(linkname !== undefined && { linkname }), ...(mode !== undefined && { mode: mode & 0o777 }), ...(mtime && { mtime }) }
}

function copy(entry: Entry, to: Pack, header: Header): Promise<void> {
  if (header.type !== 'file') {
    to.entry(header, '')
    entry.resume()
    return Promise.resolve()
  }
  return new Promise((resolve, reject) => {
    const sink = to.entry(header, (error) => error ? reject(error) : resolve())
    entry.on('error', reject)
    sink.on('error', reject)
    entry.pipe(sink)
  })
}

async function small(entry: Entry, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of entry) {
    size += chunk.length
    if (size > namedFileLimit) throw bad(`${name} is larger than ${namedFileLimit} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer())
}
