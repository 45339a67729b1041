import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { extract, pack } from 'tar-stream'
import { replaceFiles, type Replacements } from '../../../lib/tar/replace.ts'

const shout: Replacements = { 'a.json': (content) => Buffer.from(`${Buffer.from(content).toString('latin1').toUpperCase()}!`, 'latin1') }

async function tar(files: readonly [string, string | Uint8Array, object?][]): Promise<Buffer> {
  const stream = pack()
  for (const [name, body, header] of files) stream.entry({ name, ...header }, Buffer.from(body as string))
  stream.finalize()
  return bytesOf(stream as AsyncIterable<Buffer>)
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Uint8Array): Promise<Map<string, string>> {
  const parser = extract()
  parser.end(bytes)
  const files = new Map<string, string>()
  for await (const entry of parser) files.set(entry.header.name, (await bytesOf(entry as unknown as AsyncIterable<Buffer>)).toString('latin1'))
  return files
}

const replaced = (bytes: Uint8Array, size = 4096, limit = 1 << 20) => bytesOf(replaceFiles(cut(bytes, size), shout, limit))

test('an archive without files to replace comes out as it went in, byte for byte', async () => {
  const bytes = await tar([['b.json', 'x'.repeat(1000)], ['dir/a.json', 'not the whole name'], [`${'long/'.repeat(60)}a.json`, 'x']])
  for (const size of [1, 511, 512, 513, 100_000]) assert.deepEqual(await replaced(bytes, size), bytes)
})

test('a file is replaced by its whole name, wherever it stands, and its neighbours stay', async () => {
  const files = await read(await replaced(await tar([['first', '1'], ['a.json', 'hello'], ['last', 'z'.repeat(513)]])))
  assert.deepEqual([...files], [['first', '1'], ['a.json', 'HELLO!'], ['last', 'z'.repeat(513)]])
})

test('what a pax header says of a file counts', async () => {
  const files = await read(await replaced(await tar([['b', 'text', { pax: { path: 'a.json', comment: 'x' } }], ['c', 'after', { pax: { comment: 'y' } }]])))
  assert.deepEqual([...files], [['a.json', 'TEXT!'], ['c', 'after']])
})

test('a file that is too large to be replaced, and an archive that ends too early, fail', async () => {
  const bytes = await tar([['a.json', 'x'.repeat(3000)]])
  await assert.rejects(replaced(bytes, 4096, 2999), /larger than/)
  await assert.rejects(replaced(bytes.subarray(0, 2000)), /ends too early/)
  await assert.rejects(replaced(Buffer.alloc(512, 0x7a)), /no valid size/)
})

test('an archive that is replaced is one that others read, however it is cut', async () => {
  const file = fc.record({ name: fc.constantFrom('a.json', 'b', 'dir/c', `${'d'.repeat(99)}`, `${'e'.repeat(120)}/f`), body: fc.uint8Array({ maxLength: 2000 }) })
  await fc.assert(fc.asyncProperty(fc.uniqueArray(file, { selector: (one) => one.name }), fc.integer({ min: 1, max: 3000 }), async (given, size) => {
    const files = await read(await replaced(await tar(given.map(({ name, body }) => [name, body])), size))
    const expected = given.map(({ name, body }) => [name, name === 'a.json' ? `${Buffer.from(body).toString('latin1').toUpperCase()}!` : Buffer.from(body).toString('latin1')])
    assert.deepEqual([...files].map(([name, text]) => [name, name === 'a.json' ? Buffer.from(text, 'latin1').toString('latin1') : text]),
      expected.map(([name, text]) => [name, Buffer.from(text!, 'latin1').toString('latin1')]))
  }), { numRuns: 60 })
})
