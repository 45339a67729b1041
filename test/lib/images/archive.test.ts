import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { extract, pack } from 'tar-stream'
import { rewriteArchive } from '../../../lib/images/archive.ts'
import { entryChecker } from '../../../lib/images/archive-entries.ts'
import { Refusal } from '../../../lib/refusal.ts'
import { entryOf, headerOf } from '../../../lib/tar/header.ts'

interface File {
  name: string
  type?: string
  linkname?: string
  body?: string | Uint8Array
}

const manifestOf = (...tags: (string[] | null)[]) => JSON.stringify(tags.map((RepoTags, index) => ({ Config: `${index}.json`, RepoTags, Layers: ['l/layer.tar'] })))
const manifest = (...tags: (string[] | null)[]): File => ({ name: 'manifest.json', body: manifestOf(...tags) })

async function tar(files: readonly File[]): Promise<Buffer> {
  const stream = pack()
  for (const { name, type, linkname, body } of files) {
    stream.entry({ name, ...(type && { type }), ...(linkname && { linkname }) } as never, typeof body === 'string' ? body : Buffer.from(body ?? []))
  }
  stream.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The rewritten archive's files by name; names of ours are `N1 (job's name)`. */
async function rewritten(bytes: Uint8Array, size = 65536): Promise<Map<string, string>> {
  let names = 0
  const archive = rewriteArchive(cut(bytes, size), (reference) => `own.invalid/${++names}/${reference?.replace(/:.*/, '') ?? 'none'}:t${names}`)
  const parser = extract()
  const files = new Map<string, string>()
  const reading = (async () => {
    for await (const entry of parser) {
      const chunks: Buffer[] = []
      for await (const chunk of entry as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
      assert.ok(!files.has(entry.header.name))
      files.set(entry.header.name, entry.header.type === 'symlink' ? `-> ${entry.header.linkname}` : Buffer.concat(chunks).toString('latin1'))
    }
  })()
  reading.catch(() => {})
  try {
    for await (const chunk of archive.bytes) parser.write(Buffer.from(chunk))
    parser.end(null)
  } catch (error) {
    throw archive.failure() ?? error
  }
  await reading
  return files
}

async function refusal(files: readonly File[]): Promise<string> {
  try {
    const result = await rewritten(await tar(files))
    return `accepted: ${[...result.keys()]}`
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error))
    assert.equal(error.status, 400)
    return error.message
  }
}

test('an archive that nobody reads hurts nobody, and one that is read late is refused then', async () => {
  const [unread, late] = [1, 1].map(() => rewriteArchive(cut(new Uint8Array(), 1), (reference) => reference ?? 'none'))
  await setImmediate()
  assert.equal(unread!.failure(), undefined)
  await assert.rejects(late!.bytes[Symbol.asyncIterator]().next(), /not a complete tar/)
})

test('every image of an archive gets a name of the gateway, and nothing else in manifest.json survives', async () => {
  const body = JSON.stringify([
    { Config: 'a.json', RepoTags: ['app:1', 'host:5000/x/y:z'], Layers: ['l/layer.tar'], Parent: 'sha256:p', LayerSources: { s: { size: 1 } }, Evil: 1 },
    { config: 'b.json', REPOTAGS: null, layers: null },
  ])
  const files = await rewritten(await tar([{ name: 'l/layer.tar', body: 'layer' }, { name: 'manifest.json', body }, { name: 'repositories', body: '{"app":{"1":"x"}}' }]))
  assert.deepEqual(JSON.parse(files.get('manifest.json')!), [
    { Config: 'a.json', RepoTags: ['own.invalid/1/docker.io/library/app:t1', 'own.invalid/2/host:t2'], Layers: ['l/layer.tar'], Parent: 'sha256:p', LayerSources: { s: { size: 1 } } },
    { Config: 'b.json', RepoTags: ['own.invalid/3/none:t3'], Layers: [] },
  ])
  assert.equal(files.get('repositories'), '{}')
  assert.equal(files.get('l/layer.tar'), 'layer')
})

test('references in the annotations of an OCI index are replaced as well', async () => {
  const descriptor = (annotations: object) => ({ mediaType: 'm', digest: 'd', size: 1, annotations })
  const body = JSON.stringify({ schemaVersion: 2, manifests: [
    descriptor({ 'io.containerd.image.name': 'docker.io/library/app:1', 'org.opencontainers.image.ref.name': '1', kept: 'yes' }),
    descriptor({ 'org.opencontainers.image.ref.name': 'evil.io/x:2' }), descriptor({ 'org.opencontainers.image.ref.name': 'latest' }),
  ] })
  const files = await rewritten(await tar([{ name: 'index.json', body }, manifest(['app:1'])]))
  const { manifests } = JSON.parse(files.get('index.json')!)
  assert.deepEqual(manifests.map((one: any) => one.annotations), [
    { kept: 'yes', 'io.containerd.image.name': 'own.invalid/1/docker.io/library/app:t1', 'org.opencontainers.image.ref.name': 't1' },
    { 'io.containerd.image.name': 'own.invalid/2/evil.io/x:t2', 'org.opencontainers.image.ref.name': 't2' }, {},
  ])
})

test('names written in roundabout ways are the files they mean', async () => {
  for (const name of ['./manifest.json', './/manifest.json', '././manifest.json']) {
    const files = await rewritten(await tar([{ name, body: manifestOf(['app:1']) }]))
    assert.match(files.get('manifest.json') ?? '', /own\.invalid/, name)
  }
})

const hex = (digit: string) => digit.repeat(64)
const hostile: [string, File[], RegExp][] = [
  ['a second manifest.json', [manifest(['a:1']), manifest(['b:1'])], /holds manifest\.json twice/],
  ['a second manifest.json by another path', [manifest(['a:1']), { name: './manifest.json', body: manifestOf(['b:1']) }], /holds manifest\.json twice/],
  ['a path with ..', [{ name: 'a/../manifest.json', body: manifestOf(['a:1']) }], /leaves the archive/],
  ['an absolute path', [{ name: '/manifest.json', body: manifestOf(['a:1']) }], /leaves the archive/],
  ['a backslash in a path', [manifest(['a:1']), { name: 'a\\manifest.json', body: 'x' }], /characters/],
  ['a link named manifest.json', [{ name: 'evil', body: manifestOf(['a:1']) }, { name: 'manifest.json', type: 'symlink', linkname: 'evil' }], /links to "evil"/],
  ['a hard link named manifest.json', [{ name: 'evil', body: manifestOf(['a:1']) }, { name: 'manifest.json', type: 'link', linkname: 'evil' }], /is a link/],
  ['a link to a directory', [{ name: 'd', type: 'symlink', linkname: '.' }, { name: 'd/manifest.json', body: manifestOf(['a:1']) }], /links to "\."/],
  ['a link to a layer outside', [manifest(['a:1']), { name: `${hex('a')}/layer.tar`, type: 'symlink', linkname: '../../../../etc/passwd' }], /links to/],
  ['a file used as a directory', [manifest(['a:1']), { name: 'x', body: 'x' }, { name: 'x/y', body: 'y' }], /no directory/],
  ['a directory named manifest.json', [{ name: 'manifest.json', type: 'directory' }], /no manifest\.json|cannot be read/],
  ['a device', [manifest(['a:1']), { name: 'null', type: 'character-device' }], /is a character-device/],
  ['a pipe', [manifest(['a:1']), { name: 'p', type: 'fifo' }], /is a fifo/],
  ['no manifest.json', [{ name: 'repositories', body: '{"a":{"1":"x"}}' }], /no manifest\.json/],
  ['keys in two spellings', [{ name: 'manifest.json', body: '[{"Config":"c","RepoTags":["a:1"],"repotags":["b:1"]}]' }], /two spellings/],
  ['a key twice', [{ name: 'manifest.json', body: '[{"Config":"c","RepoTags":["a:1"],"RepoTags":["b:1"]}]' }], /twice/],
  ['two values', [{ name: 'manifest.json', body: '[] [{"RepoTags":["b:1"]}]' }], /cannot be read/],
  ['a manifest that is no list', [{ name: 'manifest.json', body: '{}' }], /not a list/],
  ['a digest as tag', [manifest([`a@sha256:${hex('a')}`])], /invalid tag/],
  ['a reference without tag', [manifest(['a'])], /invalid tag/],
  ['a manifest larger than any', [{ name: 'manifest.json', body: ' '.repeat(5 * 1024 * 1024) }], /larger than/],
]

for (const [what, files, expected] of hostile) {
  test(`an archive with ${what} is refused`, async () => assert.match(await refusal(files), expected))
}

test('links between layers of old archives stay', async () => {
  const link: File = { name: `${hex('a')}/layer.tar`, type: 'symlink', linkname: `../${hex('b')}/layer.tar` }
  const files = await rewritten(await tar([{ name: `${hex('a')}/`, type: 'directory' }, link, manifest(['a:1'])]))
  assert.equal(files.get(link.name), `-> ${link.linkname}`)
})

test('an archive that ends too early or is no archive is refused', async () => {
  const whole = await tar([{ name: 'big', body: 'x'.repeat(5000) }, manifest(['a:1'])])
  for (const bytes of [whole.subarray(0, 3000), Buffer.from('junk'), Buffer.alloc(0), gzipSync(Buffer.from('junk')), gzipSync(whole).subarray(0, 100)]) {
    await assert.rejects(rewritten(bytes), (error: Error) => error instanceof Refusal && /cannot be loaded/.test(error.message))
  }
})

test('gzip is unpacked, other compressions are refused by name', async () => {
  const bytes = await tar([manifest(['a:1'])])
  assert.ok((await rewritten(gzipSync(bytes), 7)).has('manifest.json'))
  for (const [head, name] of [['BZh9', 'bzip2'], ['\xfd7zXZ\0', 'xz'], ['\x28\xb5\x2f\xfd', 'zstd']] as const) {
    await assert.rejects(rewritten(Buffer.from(`${head}rest of it`, 'latin1')), new RegExp(`compressed with ${name}`))
  }
})

test('a refused archive is read to its end, and its end never reaches the engine', async () => {
  const bytes = await tar([manifest(['a:1']), { name: '../x', body: 'x' }, { name: 'after', body: 'y'.repeat(100_000) }])
  let read = 0
  async function* counted() {
    for await (const chunk of cut(bytes, 1000)) {
      read += chunk.length
      yield chunk
    }
  }
  const archive = rewriteArchive(counted(), () => 'own.invalid/x:1')
  await assert.rejects(async () => { for await (const _ of archive.bytes) { /* reading */ } }, /leaves the archive/)
  assert.equal(read, bytes.length)
})

test('a client that goes away fails the archive', async () => {
  async function* broken() {
    yield (await tar([manifest(['a:1'])])).subarray(0, 600)
    throw new Error('the client is gone')
  }
  const archive = rewriteArchive(broken(), () => 'own.invalid/x:1')
  await assert.rejects(async () => { for await (const _ of archive.bytes) { /* reading */ } }, /the client is gone/)
})

test('files come out as they went in, however the bytes are cut', async () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,12}(\/[a-z0-9]{1,120}){0,2}$/)
  const files = fc.uniqueArray(fc.record({ name, body: fc.uint8Array({ maxLength: 3000 }) }), { maxLength: 6, selector: (file) => file.name.split('/')[0] })
  await fc.assert(fc.asyncProperty(files, fc.integer({ min: 1, max: 5000 }), async (given, size) => {
    fc.pre(given.every((file) => !/^(manifest\.json|repositories|index\.json)$/.test(file.name)))
    const result = await rewritten(await tar([...given, manifest(['a:1'])]), size)
    assert.equal(result.size, given.length + 1)
    for (const file of given) assert.equal(result.get(file.name), Buffer.from(file.body).toString('latin1'))
  }), { numRuns: 40 })
})

const header = (fields: { name?: string; type: string; size: number }) => headerOf({ name: 'x', linkname: 'y', mode: 0o644, mtime: 0, ...fields })

test('headers that would fill the memory are refused before their content has come', async () => {
  for (const type of ['x', 'g', 'L', 'K']) {
    await assert.rejects(rewritten(Buffer.concat([header({ type, size: 0o77777777777 }), Buffer.alloc(2048)])), /larger than any archiver writes/, type)
  }
  const check = entryChecker()
  assert.throws(() => { for (let at = 0; at < 1_000_000; at++) check({ name: `entry-${at}` }) }, /more entries than any image/)
})

test('what readers could take for different things is refused', async () => {
  const whole = await tar([manifest(['a:1'])])
  const damaged = Buffer.from(whole)
  damaged[0]! ^= 1
  for (const [bytes, why] of [
    [Buffer.concat([header({ type: '2', size: 512 }), Buffer.alloc(512), whole]), /has a size/],
    [Buffer.concat([header({ type: 'S', size: 0 }), whole]), /an entry of type "S"/],
    [Buffer.concat([entryOf('p', Buffer.from('24 GNU.sparse.name=abcd\n'), 'x'), whole]), /sparse/],
    [Buffer.concat([entryOf('p', Buffer.from('12 size=-1\n\n'), 'x'), whole]), /no valid size|damaged/],
    [damaged, /damaged/],
  ] as const) await assert.rejects(rewritten(bytes), why)
})
