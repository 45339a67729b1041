import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { rewriteDefinition } from '../../../lib/buildkit/definition.ts'
import { digestOf } from '../../../lib/buildkit/digest.ts'
import { judgeDefinition, showDefinition } from '../../../lib/buildkit/llb.ts'
import { readRequest } from '../../../lib/buildkit/messages.ts'
import { encodeOp } from '../../../lib/buildkit/op.ts'
import { SolveRequestSchema } from '../../../lib/buildkit/proto/control_pb.ts'
import { DefinitionSchema, LocationsSchema, OpMetadataSchema, OpSchema, SourceSchema, type Definition } from '../../../lib/buildkit/proto/ops_pb.ts'
import type { Sources } from '../../../lib/buildkit/sources.ts'
import { asGrpc } from '../../../lib/buildkit/refusals.ts'
import { GrpcError } from '../../../lib/grpc.ts'
import { defaultPolicy } from '../../../lib/policy.ts'
import { llb, runLlb } from '../../setup/llb.ts'

const ns = 'abcdefghijklmnop'
const scope = { ns, group: '/moorage/secret', cache: 'csecret' }
const stored = `moorage.invalid/${ns}/docker.io/library/app:latest`
const sources: Sources = {
  ns, images: new Map(), policy: defaultPolicy,
  own: (reference) => reference === 'docker.io/library/app:latest' ? { id: '', stored } : undefined,
}

const ops = (definition: Definition) => definition.def.map((bytes) => fromBinary(OpSchema, bytes))

/** Every input is there before it is used, and the result is last. */
async function assertLinked(definition: Definition): Promise<void> {
  const seen = new Set<string>()
  for (const bytes of definition.def) {
    for (const { digest } of fromBinary(OpSchema, bytes).inputs) assert.ok(seen.has(digest), `${digest} is missing`)
    seen.add(await digestOf(bytes))
  }
  for (const digest of Object.keys(definition.metadata)) assert.ok(seen.has(digest))
  for (const digest of Object.keys(definition.Source?.locations ?? {})) assert.ok(seen.has(digest))
}

test('a RUN step is put into the namespace\'s group and its caches and sessions are the namespace\'s', async () => {
  const mounts = [{ input: 0n, dest: '/', output: 0n }, { input: -1n, dest: '/c', output: -1n, mountType: 3, cacheOpt: { ID: 'x' } }]
  const definition = await runLlb('docker.io/library/app:latest', ['true'], { mounts }, { cgroupParent: '/docker' })
  await judgeDefinition(definition, scope, sources)
  await assertLinked(definition)
  const [source, exec] = ops(definition)
  assert.deepEqual(source!.op.value, create(OpSchema, { op: { case: 'source', value: { identifier: `docker-image://${stored}`, attrs: { 'image.resolvemode': 'local' } } } }).op.value)
  const run = exec!.op.case === 'exec' ? exec!.op.value : assert.fail()
  assert.equal(run.meta!.cgroupParent, scope.group)
  assert.equal(run.mounts[1]!.cacheOpt!.ID, 'csecret/x')
})

test('images of others come from their registries', async () => {
  const definition = await runLlb('docker.io/library/other:latest', ['true'])
  await judgeDefinition(definition, scope, sources)
  const [source] = ops(definition)
  assert.deepEqual(source!.op.case === 'source' && { ...source!.op.value.attrs }, { 'image.resolvemode': 'pull' })
})

test('what a client is shown it can send again, and it is the same', async () => {
  const mounts = [{ input: 0n, dest: '/', output: 0n }, { input: -1n, dest: '/c', output: -1n, mountType: 3, cacheOpt: { ID: 'x' } }]
  const definition = await runLlb('docker.io/library/app:latest', ['true'], { mounts })
  await judgeDefinition(definition, scope, sources)
  const judged = toBinary(DefinitionSchema, definition)
  await showDefinition(definition, scope)
  await assertLinked(definition)
  const text = definition.def.map((bytes) => Buffer.from(bytes).toString('latin1')).join('')
  for (const secret of [scope.group, scope.cache, ns]) assert.ok(!text.includes(secret), secret)
  await judgeDefinition(definition, scope, sources)
  assert.deepEqual(toBinary(DefinitionSchema, definition), judged)
})

/** Operations of any graph: each takes some of those before. */
const graphs = fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.array(fc.nat(), { maxLength: 3 })), { minLength: 1, maxLength: 12 })

async function graphOf(steps: readonly [string, number[]][]): Promise<Definition> {
  const def: Uint8Array[] = []
  const digests: string[] = []
  for (const [index, [name, inputs]] of steps.entries()) {
    const chosen = index === 0 ? [] : inputs.map((input) => digests[input % digests.length]!)
    const op = index % 2 === 0 ? { case: 'source', value: { identifier: `local://${name}` } } : { case: 'exec', value: { meta: { args: [name, String(index)] } } }
    const bytes = encodeOp(create(OpSchema, { inputs: chosen.map((digest) => ({ digest })), op } as MessageInitShape<typeof OpSchema>))
    def.push(bytes)
    digests.push(await digestOf(bytes))
  }
  def.push(encodeOp(create(OpSchema, { inputs: [{ digest: digests.at(-1)! }] } as MessageInitShape<typeof OpSchema>)))
  return create(DefinitionSchema, {
    def, metadata: Object.fromEntries(digests.map((digest) => [digest, create(OpMetadataSchema)])),
    Source: create(SourceSchema, { locations: Object.fromEntries(digests.map((digest) => [digest, create(LocationsSchema)])) }),
  })
}

test('a definition of any shape stays linked when its operations change, and unchanged when they do not', async () => {
  await fc.assert(fc.asyncProperty(graphs, async (steps) => {
    const definition = await graphOf(steps)
    await judgeDefinition(definition, scope, sources)
    await assertLinked(definition)
    const before = toBinary(DefinitionSchema, definition)
    await rewriteDefinition(definition, () => {}, { strict: true })
    assert.deepEqual(toBinary(DefinitionSchema, definition), before)
  }), { numRuns: 50 })
})

test('whatever bytes a client sends for LLB, they are read or refused', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), async (def) => {
    await judgeDefinition(create(DefinitionSchema, { def }), scope, sources).catch((error) => { assert.ok(asGrpc(error) instanceof GrpcError, String(error)) })
  }))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      readRequest(SolveRequestSchema, bytes)
    } catch (error) {
      assert.ok(asGrpc(error) instanceof GrpcError, String(error))
    }
  }))
})

test('operations that feed themselves, lack an input or are too many are refused', async () => {
  const refused = (def: Uint8Array[], expected: RegExp) => assert.rejects(judgeDefinition(create(DefinitionSchema, { def }), scope, sources), expected)
  const lacking = encodeOp(create(OpSchema, { inputs: [{ digest: `sha256:${'0'.repeat(64)}` }] } as MessageInitShape<typeof OpSchema>))
  await refused([lacking], /is missing/)
  await refused(Array.from({ length: 50_001 }, () => lacking), /50001 operations, more than 50000/)
  // Nested in one place, 40,000 deep.
  let bytes = new Uint8Array()
  for (let depth = 0; depth < 200; depth++) bytes = Uint8Array.from([0x52, ...varint(bytes.length), ...bytes])
  await refused([bytes], /malformed|not known|nested/)
})

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]
}

test('fields that the gateway does not know are refused wherever they are', () => {
  const unknown = Uint8Array.of(0xfa, 0x3f, 1, 0)
  const inside = (field: number, bytes: Uint8Array) => Uint8Array.of(field, bytes.length, ...bytes)
  for (const bytes of [unknown, inside(0x12, unknown), inside(0x6a, unknown), inside(0x52, inside(0x12, unknown))]) {
    assert.throws(() => readRequest(SolveRequestSchema, bytes), /field 1023 of .* is not known to this gateway/)
  }
})

test('a git source is of the host that its identifier names', async () => {
  const remote: Sources = { ...sources, policy: { ...defaultPolicy, build: { ...defaultPolicy.build, remote: true } } }
  const judged = async (identifier: string, url: string) => judgeDefinition(await llb({ op: { case: 'source', value: { identifier, attrs: { 'git.fullurl': url } } } }), scope, remote)
  for (const url of ['https://git.example/a.git', 'ssh://git@git.example:22/a.git', 'git@git.example:a.git', 'git://GIT.example/a']) await judged('git://git.example/a.git#main', url)
  for (const url of ['http://169.254.169.254/a.git', '169.254.169.254:a', 'https://git.example@169.254.169.254/a.git', 'https://git.example@evil@169.254.169.254/', 'https://user@git.example:80@169.254.169.254/a.git', '/etc/a.git', 'file:///etc', 'https://git.example\\@127.0.0.1/', '']) {
    await assert.rejects(judged('git://git.example/a.git', url), /is on another host than git:\/\/git\.example/, url)
  }
})
