import assert from 'node:assert/strict'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { extract } from 'tar-stream'
import { budget, framed, messages } from '../../infra/grpc/frames.ts'
import { judgeDefinition } from '../../lib/buildkit/llb.ts'
import { readRequest } from '../../lib/buildkit/messages.ts'
import { DefinitionSchema, OpSchema } from '../../lib/buildkit/proto/ops_pb.ts'
import { parseFilters } from '../../lib/filters/parse.ts'
import { compileGlob } from '../../lib/filters/glob.ts'
import { regexpsTest } from '../../lib/filters/regexp.ts'
import { canonicalPath, parseDuration, parseQuery, parseTime } from '../../lib/go.ts'
import { GrpcError } from '../../lib/grpc.ts'
import { rewriteArchive } from '../../lib/images/archive.ts'
import { jsonEndFinder, parseRequestJson, stringify } from '../../lib/json.ts'
import { defaultPolicy } from '../../lib/policy.ts'
import { fromStored, normalised, parseReference, storedReference } from '../../lib/reference.ts'
import { Refusal } from '../../lib/refusal.ts'
import { parseRegistryAuth } from '../../lib/schemas/auth.ts'
import { parseBind } from '../../lib/schemas/binds.ts'
import { containerCreateSchema } from '../../lib/schemas/container-create.ts'
import { imageArchive } from '../setup/image-archive.ts'
import { runLlb } from '../setup/llb.ts'
import { repairedTar } from './mutate.ts'

/** A parser that meets bytes from the network. `run` throws what must not happen; that an input is refused is no failure. */
export interface Target {
  name: string
  seeds: readonly Uint8Array[]
  run(bytes: Uint8Array): void | Promise<void>
}

const ns = 'abcdefghijklmnop'
const texts = (...all: string[]) => all.map((text) => new TextEncoder().encode(text))
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
/** As Node delivers request targets and header values. */
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

/** What a parser makes of it, undefined when it says no in the way it should. */
async function unlessRefused<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal || error instanceof GrpcError) return undefined
    throw error
  }
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const create = { Image: 'busybox', Env: ['A=b'], Cmd: 'true', HostConfig: { Binds: ['data:/x:ro'], Memory: 9007199254740993n, Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }], Mounts: [{ Type: 'volume', Source: 'v', Target: '/y' }], PortBindings: { '80/tcp': [{ HostPort: '8080' }] } }, NetworkingConfig: { EndpointsConfig: { net: { Aliases: ['a'] } } } }
const schema = containerCreateSchema(defaultPolicy)

export async function targets(): Promise<Target[]> {
  const archives = await Promise.all([imageArchive({ tags: ['app:1', 'host:5000/x/y:2'], content: 'x' }), imageArchive({ tags: null, content: 'y', labels: { a: 'b' } })])
  const llb = await runLlb('docker.io/library/app:latest', ['true'])
  return [
    {
      name: 'JSON of request bodies',
      seeds: texts(stringify(create), '{"a":[1,2.5,-3e7,null,true,"\\u00e9\\n"],"b":{"c":{}}}', ' [ ] ', '"x"', '18446744073709551615'),
      async run(bytes) {
        const value = await unlessRefused(() => parseRequestJson(bytes))
        if (value === undefined) return
        // A second parser reads the same text, and what is sent on is read as the same again.
        JSON.parse(textOf(bytes))
        const sent = stringify(value)
        assert.equal(stringify(parseRequestJson(new TextEncoder().encode(sent))), sent)
      },
    },
    {
      name: 'the end of the first JSON value',
      seeds: texts('{"Detach":false}stdin', ' {"a":"}"}x', 'true1', '"a\\\\"b', '12 ', '[[1],{}]]'),
      run(bytes) {
        const whole = jsonEndFinder()(bytes)
        const find = jsonEndFinder()
        let end: number | undefined
        for (let at = 0; at < bytes.length && end === undefined; at++) {
          const found = find(bytes.subarray(at, at + 1))
          if (found !== undefined) end = at + found
        }
        assert.equal(end, whole)
      },
    },
    {
      name: 'bodies of container create',
      seeds: texts(stringify(create), '{"image":"x","hostconfig":{"NetworkMode":"container:a"}}'),
      async run(bytes) { await unlessRefused(() => schema.read(parseRequestJson(bytes), '')) },
    },
    {
      name: 'filters',
      seeds: texts('{"name":["^/?db$"],"label":{"a=b":true}}', '{"until":["10m"],"dangling":["1"]}', 'null', '{"a":null}'),
      async run(bytes) {
        const filters = await unlessRefused(() => parseFilters(textOf(bytes)))
        for (const values of filters?.values() ?? []) {
          assert.ok(values.every((value) => typeof value === 'string'))
          const test = await unlessRefused(() => regexpsTest(values))
          test?.('/db')
          for (const value of values) compileGlob(value)?.('library/busybox')
        }
      },
    },
    {
      name: 'image references',
      seeds: texts('busybox', 'host:5000/a/b_c--d:tag', `x@sha256:${'0'.repeat(64)}`, 'localhost/a', '[::1]:5000/a:b', `moorage.invalid/${ns}/docker.io/library/app:1`, 'index.docker.io/a', 'DOCKER.IO/a', 'sha256:abcdef'),
      async run(bytes) {
        const reference = await unlessRefused(() => parseReference(textOf(bytes)))
        if (reference === undefined) return
        assert.equal(normalised(parseReference(normalised(reference))), normalised(reference))
        const stored = await unlessRefused(() => storedReference(ns, reference))
        if (stored === undefined) return
        assert.match(stored, new RegExp(`^moorage\\.invalid/${ns}/[a-z0-9._/-]+:[\\w.-]+$`))
        // Two references are never stored under one name.
        assert.equal(normalised(parseReference(fromStored(ns, stored)!)), normalised(reference))
      },
    },
    {
      name: 'request targets',
      seeds: texts('/v1.51/containers/a%20b/json?all=1&filters=%7B%7D', 'http://x/_ping', '/a//b/../c?x', '/%2e%2e/%2F', '/v1/x#y', '*'),
      async run(bytes) {
        const target = await unlessRefused(() => canonicalPath(latin1(bytes)))
        if (target === undefined) return
        assert.ok(target.path.startsWith('/') && !/\/\/|\/\.{1,2}(\/|$)/.test(target.path), target.path)
        await unlessRefused(() => parseQuery(target.query))
      },
    },
    { name: 'times, durations and binds', seeds: texts('1h30m', '1700000000.5', '2020-01-01T00:00:00.123Z', 'data:/x:ro,z', '-1.5h', '/x'), async run(bytes) {
      for (const parse of [parseDuration, (text: string) => parseTime(text, 0), parseBind]) await unlessRefused(() => parse(textOf(bytes)))
    } },
    { name: 'credentials in headers', seeds: [...texts(Buffer.from('{"username":"a","password":"b","serveraddress":"https://x"}').toString('base64url'), 'e30=', '')], async run(bytes) { await unlessRefused(() => parseRegistryAuth(latin1(bytes))) } },
    {
      name: 'image archives',
      seeds: archives.map(({ tar }) => tar),
      async run(bytes) {
        for (const tar of [bytes, repairedTar(bytes)]) {
          const archive = rewriteArchive(cut(tar, 700), () => `moorage.invalid/${ns}/loading:x`)
          const chunks: Uint8Array[] = []
          const whole = await unlessRefused(async () => { for await (const chunk of archive.bytes) chunks.push(chunk); return true })
          if (whole) await assertHarmless(Buffer.concat(chunks))
        }
      },
    },
    {
      name: 'gRPC messages',
      seeds: [framed(new Uint8Array([1, 2, 3])), Buffer.concat([framed(new Uint8Array()), framed(new Uint8Array(300))])],
      async run(bytes) {
        const held = budget(1024 * 1024)
        const read = (size: number) => unlessRefused(async () => Array.fromAsync(messages(cut(bytes, size), held), (message) => Buffer.from(message).toString('hex')))
        assert.deepEqual(await read(1), await read(4096))
        assert.ok(held.take(1024 * 1024), 'what is read no more is still counted')
      },
    },
    {
      name: 'LLB definitions',
      seeds: [toBinary(DefinitionSchema, llb), toBinary(DefinitionSchema, await runLlb('docker.io/library/other:1', ['sh', '-c', 'x'], { mounts: [{ input: 0n, dest: '/', output: 0n }, { input: -1n, dest: '/c', output: -1n, mountType: 3, cacheOpt: { ID: 'x' } }] }))],
      async run(bytes) {
        const definition = await unlessRefused(() => readRequest(DefinitionSchema, bytes))
        if (definition === undefined) return
        const scope = { ns, group: '/moorage/x', cache: 'cx' }
        const judged = await unlessRefused(async () => { await judgeDefinition(definition, scope, { ns, images: new Map(), policy: defaultPolicy, own: () => undefined }); return true })
        if (judged) for (const op of definition.def) assertJudged(fromBinary(OpSchema, op))
      },
    },
  ]
}

/** What an engine would read of a rewritten archive: no entry leaves it, no name but ours is in it. */
async function assertHarmless(tar: Buffer): Promise<void> {
  const parser = extract()
  parser.end(tar)
  for await (const entry of parser) {
    const { name, type } = entry.header
    assert.ok(!name.startsWith('/') && !name.split('/').includes('..') && ['file', 'directory', 'symlink'].includes(String(type)), `${type} ${name}`)
    const chunks: Buffer[] = []
    for await (const chunk of entry as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
    if (name !== 'manifest.json') continue
    for (const { RepoTags } of JSON.parse(Buffer.concat(chunks).toString())) assert.ok(RepoTags.every((tag: string) => tag.startsWith(`moorage.invalid/${ns}/`)), String(RepoTags))
  }
}

function assertJudged({ op }: ReturnType<typeof fromBinary<typeof OpSchema>>): void {
  if (op.case === 'exec') assert.ok([0, 2].includes(op.value.network) && op.value.security === 0 && op.value.cdiDevices.length === 0 && (op.value.meta === undefined || op.value.meta.cgroupParent === '/moorage/x'))
  if (op.case === 'source') assert.match(op.value.identifier, /^(docker-image|local|oci-layout):\/\//)
}
