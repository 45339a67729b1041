import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { drained } from '../../infra/grpc/channel.ts'
import { InfoRequestSchema as ContentInfoSchema, InfoResponseSchema as ContentAnswerSchema } from '../../lib/buildkit/proto/content_pb.ts'
import {
  BuildHistoryEventSchema, BuildHistoryRequestSchema, InfoRequestSchema, InfoResponseSchema, SolveRequestSchema, StatusRequestSchema,
  StatusResponseSchema, UpdateBuildHistoryRequestSchema, UpdateBuildHistoryResponseSchema,
} from '../../lib/buildkit/proto/control_pb.ts'
import * as g from '../../lib/buildkit/proto/gateway_pb.ts'
import { create, toBinary } from '@bufbuild/protobuf'
import { dockerfile } from '../setup/build-context.ts'
import { docker } from '../setup/cli.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { buildId, control, grpcClient, solver, upgraded, type GrpcClient } from '../setup/grpc-client.ts'
import { callFrame, fields, flags, frame, hello, types, uint32 } from '../setup/http2-frames.ts'
import { fileLlb, llb, runLlb } from '../setup/llb.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const bridge = 'moby.buildkit.v1.frontend.LLBBridge'
const codes = { unknown: 2, invalid: 3, notFound: 5, denied: 7, exhausted: 8, unimplemented: 12, internal: 13 }

const directory = mkdtempSync(join(tmpdir(), 'moorage-hostile-grpc-'))
const socketPath = join(directory, 'attacker')
let gateway: Gateway
let attacker: Namespace
let victim: Namespace
let client: GrpcClient

before(async () => {
  const engine = await sharedEngine('28.5')
  gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] }, policies: { few: { limits: { builds: 1 } } } } })
  attacker = await gateway.open('--unix', socketPath)
  victim = await gateway.open('--unix', join(directory, 'victim'))
  client = await grpcClient(socketPath)
})
after(async () => {
  client.close()
  await gateway.stop()
  rmSync(directory, { recursive: true })
})

const solve = solver(() => client)
const isAlive = async () => assert.equal((await client.ask(`${control}/Info`, InfoRequestSchema, {}, InfoResponseSchema)).code, 0)

/** Runs a build that a client directs, for as long as `work` takes. */
async function directed<T>(work: (metadata: Record<string, string[]>) => Promise<T>): Promise<T> {
  const id = buildId()
  const build = solve({ Ref: id })
  const metadata = { 'buildkit-controlapi-buildid': [id] }
  const result = await work(metadata)
  await client.ask(`${bridge}/Return`, g.ReturnRequestSchema, { result: {} }, g.ReturnResponseSchema, metadata)
  await build
  return result
}

const busybox = 'docker.io/library/busybox:latest'

test('what a build asks for beyond itself is refused, and says so', async () => {
  const refusals: [object, RegExp][] = [
    [{ Entitlements: ['network.host'] }, /entitlement "network.host" is not allowed in this namespace: /],
    [{ Entitlements: ['security.insecure'] }, /entitlement "security.insecure"/],
    [{ FrontendAttrs: { 'force-network-mode': 'host' } }, /network mode host in builds/],
    [{ FrontendAttrs: { 'something-new': 'x' } }, /the build option something-new/],
    [{ FrontendAttrs: { 'attest:sbom': 'generator=evil' } }, /attest:sbom/],
    [{ FrontendAttrs: { context: 'http://169.254.169.254/' } }, /the remote build context/],
    [{ FrontendAttrs: { 'context:x': 'git://127.0.0.1/x' } }, /the remote context:x/],
    [{ FrontendAttrs: { 'cache-imports': JSON.stringify([{ Type: 's3', Attrs: { endpoint_url: 'http://127.0.0.1' } }]) } }, /the cache type s3/],
    [{ SourcePolicy: { version: 1n, rules: [{ action: 0, selector: { identifier: '*' } }] } }, /a source policy of the client's own/],
    [{ SourcePolicySession: 'x' }, /a source policy of the client's own/],
    [{ ProxyNetwork: true }, /ProxyNetwork/],
    [{ Frontend: 'gateway.v0', FrontendAttrs: { source: 'evil/frontend' } }, /the frontend evil\/frontend/],
    [{ Frontend: 'llb.v9' }, /the frontend llb.v9/],
    [{ Exporters: [{ Type: 'image', Attrs: { name: 'registry.example/x', push: 'true' } }] }, /pushing from inside a build/],
    [{ Exporters: [{ Type: 'registry', Attrs: { name: 'x' } }] }, /the exporter registry/],
    [{ Exporters: [{ Type: 'moby', Attrs: { 'containerimage.config': '{}' } }] }, /the attribute containerimage.config/],
    [{ ExporterDeprecated: 'registry', ExporterAttrsDeprecated: { name: 'x' } }, /the exporter registry/],
    [{ Cache: { Exports: [{ Type: 'gha', Attrs: { url: 'http://127.0.0.1' } }] } }, /the cache type gha/],
    [{ Cache: { ExportRefDeprecated: '169.254.169.254/x' } }, /the registry 169.254.169.254 as a cache/],
    [{ Cache: { ImportRefsDeprecated: ['169.254.169.254/x'] } }, /the registry 169.254.169.254 as a cache/],
  ]
  for (const [request, expected] of refusals) {
    const { code, message } = await solve(request)
    assert.equal(code, codes.denied, message)
    assert.match(message, expected)
  }
})

test('LLB is judged step by step', async () => {
  const refusals: [object, object, RegExp][] = [
    [{ network: 1 }, {}, /the host's network in a RUN step/],
    [{ network: 7 }, {}, /the host's network in a RUN step/],
    [{ security: 1 }, {}, /security=insecure/],
    [{ cdiDevices: [{ name: 'vendor.com/gpu=0' }] }, {}, /a device in a RUN step/],
    [{ mounts: [{ input: 0n, dest: '/', mountType: 9 }] }, {}, /mount type 9/],
  ]
  for (const [more, meta, expected] of refusals) {
    const { code, message } = await solve({ Definition: await runLlb(busybox, ['true'], more, meta) })
    assert.equal(code, codes.denied, message)
    assert.match(message, expected)
    // The same inside a build that is directed step by step.
    const inside = await directed(async (metadata) => client.ask(`${bridge}/Solve`, g.SolveRequestSchema, { Definition: await runLlb(busybox, ['true'], more, meta) }, g.SolveResponseSchema, metadata))
    assert.equal(inside.code, codes.denied, inside.message)
  }
  for (const identifier of ['http://127.0.0.1:1/', 'git://127.0.0.1/x', 'ssh://x', 'file:///etc', 'docker-image+blob://x']) {
    const { code } = await solve({ Definition: await llb({ op: { case: 'source', value: { identifier } } }) })
    assert.equal(code, codes.denied, identifier)
  }
})

test('options of a frontend inside a build are judged as those of the build', async () => {
  for (const [FrontendOpt, expected] of [
    [{ 'force-network-mode': 'host' }, /network mode host/], [{ source: 'evil/frontend' }, /evil\/frontend/], [{ unheard: 'of' }, /unheard/],
  ] as const) {
    const { code, message } = await directed((metadata) => client.ask(`${bridge}/Solve`, g.SolveRequestSchema, { Frontend: 'source' in FrontendOpt ? 'gateway.v0' : 'dockerfile.v0', FrontendOpt }, g.SolveResponseSchema, metadata))
    assert.equal(code, codes.denied, message)
    assert.match(message, expected)
  }
  const { code } = await directed((metadata) => client.ask(`${bridge}/Solve`, g.SolveRequestSchema, { SourcePolicies: [{ version: 1n, rules: [{ action: 0, selector: { identifier: '*' } }] }] }, g.SolveResponseSchema, metadata))
  assert.equal(code, codes.denied)
})

test('images of another namespace are not to be had by any way', async () => {
  await docker(victim.env, ['build', '-q', '-t', 'private', dockerfile('FROM busybox\nENV PASSWORD=sesame')], { timeout: 120_000 })
  const stored = `moorage.invalid/${victim.id}/docker.io/library/private:latest`
  const seen: string[] = []
  seen.push((await solve({ Definition: await llb({ op: { case: 'source', value: { identifier: `docker-image://${stored}`, attrs: { 'image.resolvemode': 'local' } } } }) })).message)
  const inputs = { dockerfile: await fileLlb('/Dockerfile', `FROM ${stored}`), context: await fileLlb('/x', '') }
  seen.push((await solve({ Frontend: 'dockerfile.v0', FrontendInputs: inputs })).message)
  seen.push((await solve({ Frontend: 'dockerfile.v0', FrontendAttrs: { 'context:x': `docker-image://${stored}` }, FrontendInputs: { ...inputs, dockerfile: await fileLlb('/Dockerfile', 'FROM x') } })).message)
  for (const message of seen) assert.match(message, /denied by policy/)
  await directed(async (metadata) => {
    const config = await client.ask(`${bridge}/ResolveImageConfig`, g.ResolveImageConfigRequestSchema, { Ref: stored, ResolveMode: 'local' }, g.ResolveImageConfigResponseSchema, metadata)
    assert.match(config.message, /denied by policy/)
    const meta = await client.ask(`${bridge}/ResolveSourceMeta`, g.ResolveSourceMetaRequestSchema, { Source: { identifier: `docker-image://${stored}` }, ResolveMode: 'local' }, g.ResolveSourceMetaResponseSchema, metadata)
    assert.match(meta.message, /denied by policy/)
  })
})

test('an own image is told of, and by its own name', async () => {
  await docker(attacker.env, ['build', '-q', '-t', 'mine', dockerfile('FROM busybox\nENV MINE=1')], { timeout: 120_000 })
  await directed(async (metadata) => {
    const { answers, message } = await client.ask(`${bridge}/ResolveImageConfig`, g.ResolveImageConfigRequestSchema, { Ref: 'docker.io/library/mine:latest' }, g.ResolveImageConfigResponseSchema, metadata)
    assert.equal(message, '')
    assert.match(Buffer.from(answers[0]!.Config).toString(), /MINE=1/)
    assert.doesNotMatch(answers[0]!.Ref, /moorage/)
  })
})

test('cache mounts of another namespace are neither read nor emptied by their ids', async () => {
  const id = randomBytes(6).toString('hex')
  const mounted = (namespace: Namespace, command: string, ...more: string[]) => docker(namespace.env, ['build', '-q', ...more, dockerfile(`FROM busybox\nRUN --mount=type=cache,id=${id},target=/c ${command} # ${randomBytes(6).toString('hex')}`)], { timeout: 120_000 })
  await mounted(victim, 'echo kept > /c/file')
  for (const other of [id, `${victim.id}/${id}`, `../${id}`, `/${id}`]) {
    const mounts = [{ input: 0n, dest: '/', output: 0n }, { input: -1n, dest: '/c', output: -1n, mountType: 3, cacheOpt: { ID: other } }]
    const { code, message } = await solve({ Definition: await runLlb(busybox, ['sh', '-c', 'test ! -e /c/file && echo poison > /c/file'], { mounts }) })
    assert.equal(code, 0, message)
  }
  // A build without a cache empties the mounts that it names.
  await mounted(attacker, 'true', '--no-cache')
  await mounted(victim, 'grep kept /c/file')
})

test('builds, sessions and records of another namespace do not exist', async () => {
  await docker(victim.env, ['build', '-q', '--metadata-file', join(directory, 'metadata'), dockerfile('FROM busybox\nRUN echo private')], { timeout: 120_000 })
  const theirs = JSON.parse(readFileSync(join(directory, 'metadata'), 'utf8'))['buildx.build.ref'].split('/').at(-1)
  for (const Ref of [theirs, `${victim.id}.${theirs}`]) {
    const status = await client.ask(`${control}/Status`, StatusRequestSchema, { Ref }, StatusResponseSchema)
    assert.notEqual(status.code, 0)
    assert.equal(status.answers.length, 0)
    const listed = await client.ask(`${control}/ListenBuildHistory`, BuildHistoryRequestSchema, { Ref, EarlyExit: true }, BuildHistoryEventSchema)
    assert.equal(listed.answers.length, 0)
    await client.ask(`${control}/UpdateBuildHistory`, UpdateBuildHistoryRequestSchema, { Ref, Delete: true }, UpdateBuildHistoryResponseSchema)
    const ping = await client.ask(`${bridge}/ReadFile`, g.ReadFileRequestSchema, { FilePath: '/' }, g.ReadFileResponseSchema, { 'buildkit-controlapi-buildid': [Ref] })
    assert.notEqual(ping.code, 0)
  }
  const all = await client.ask(`${control}/ListenBuildHistory`, BuildHistoryRequestSchema, { EarlyExit: true }, BuildHistoryEventSchema)
  assert.ok(all.answers.every(({ record }) => !record!.Ref.includes('.') && record!.Ref !== theirs))
  const own = await grpcClient(join(directory, 'victim'))
  const records = await own.ask(`${control}/ListenBuildHistory`, BuildHistoryRequestSchema, { Ref: theirs, EarlyExit: true }, BuildHistoryEventSchema)
  const digest = records.answers[0]!.record!.logs!.digest
  assert.equal((await own.ask('containerd.services.content.v1.Content/Info', ContentInfoSchema, { digest }, ContentAnswerSchema)).code, 0)
  own.close()
  const { code, message } = await client.ask('containerd.services.content.v1.Content/Info', ContentInfoSchema, { digest }, ContentAnswerSchema)
  assert.deepEqual([code, message], [codes.notFound, `content ${digest}: not found`])
})

test('filters and limits of the history never reach the engine, and are checked', async () => {
  for (const request of [{ Limit: -1 }, { Filter: ['nonsense'] }, { Filter: ['status==completed,x>y'] }, { Filter: ['startedAt>soon'] }]) {
    const { code } = await client.ask(`${control}/ListenBuildHistory`, BuildHistoryRequestSchema, { EarlyExit: true, ...request }, BuildHistoryEventSchema)
    assert.equal(code, codes.invalid, JSON.stringify(request))
  }
})

test('a session id that is another namespace\'s opens none, neither way', async () => {
  const headers = (uuid: string) => ({ 'x-docker-expose-session-uuid': uuid, 'x-docker-expose-session-name': 'x', 'x-docker-expose-session-sharedkey': '', 'x-docker-expose-session-grpc-method': '/x.Y/Z' })
  await assert.rejects(upgraded(socketPath, '/session', headers(`${victim.id}.abc`)), /answered 400/)
  await assert.rejects(upgraded(socketPath, '/session', headers('')), /answered 400/)
  await assert.rejects(upgraded(socketPath, '/session', { ...headers('abc'), 'x-docker-expose-session-grpc-method': ['/ok.A/B', 'not a method'] }), /answered 400/)
  const { code } = await client.send(`${control}/Session`, [], { 'x-docker-expose-session-uuid': [`${victim.id}.abc`] })
  assert.equal(code, codes.invalid)
  assert.equal((await solve({ Session: `${victim.id}.abc`, Frontend: 'dockerfile.v0' })).code, codes.invalid)
  const local = await llb({ op: { case: 'source', value: { identifier: 'local://context', attrs: { 'local.session': `${victim.id}.abc` } } } })
  assert.equal((await solve({ Definition: local })).code, codes.invalid)
})

test('a session carried in messages that are none, or that ends in the middle of one, ends alone', async () => {
  const metadata = () => ({ 'x-docker-expose-session-uuid': [buildId()] })
  const { code, message } = await client.send(`${control}/Session`, [Buffer.from([0xff, 0xff])], metadata())
  assert.deepEqual([code, message], [codes.invalid, 'malformed BytesMessage'])
  assert.equal((await client.send(`${control}/Session`, [Buffer.from([0x12, 0x01, 0x61])], metadata())).code, codes.denied)
  for (const end of [Buffer.concat([uint32(0), frame(99, 255, 77)]), frame(types.goaway, 0, 5, Buffer.concat([uint32(0), uint32(0)])), frame(types.data, 0, 1, Buffer.from([0, 0, 0, 9, 9, 1]))]) {
    const socket = await upgraded(socketPath, '/grpc')
    socket.on('error', () => {})
    socket.write(Buffer.concat([hello, callFrame(1, `${control}/Session`, { 'x-docker-expose-session-uuid': buildId() }), frame(types.data, 0, 1, Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x61]))]))
    await new Promise((resolve) => { socket.once('data', resolve) })
    socket.write(end)
    socket.end()
    await isAlive()
  }
  await isAlive()
})

test('more builds at one time than the policy allows are refused until one has ended', async () => {
  await gateway.open('--policy', 'few', '--unix', join(directory, 'few'))
  const few = await grpcClient(join(directory, 'few'))
  const begin = (Ref: string) => solver(() => few)({ Ref })
  const returned = (Ref: string) => few.ask(`${bridge}/Return`, g.ReturnRequestSchema, { result: {} }, g.ReturnResponseSchema, { 'buildkit-controlapi-buildid': [Ref] })
  // The engine waits three seconds for a build that it does not know yet.
  const end = (Ref: string) => until(async () => (await returned(Ref)).code === 0, 'The build takes its result', 60_000)
  const [first, second, third] = [buildId(), buildId(), buildId()]
  const under = begin(first)
  const pinged = () => few.ask(`${bridge}/Ping`, g.PingRequestSchema, {}, g.PongResponseSchema, { 'buildkit-controlapi-buildid': [first] })
  await until(async () => (await pinged()).code === 0, 'The build is under way', 60_000)
  const { code, message } = await begin(second)
  assert.deepEqual([code, message], [codes.denied, 'one more build is not allowed in this namespace: the policy allows 1 at a time; let some end, or ask the operator for a higher limits.builds'])
  await end(first)
  assert.equal((await under).code, 0)
  const again = begin(third)
  await end(third)
  assert.equal((await again).code, 0)
  few.close()
})

test('methods that are not in the table are refused by name', async () => {
  for (const method of [`${bridge}/NewContainer`, `${bridge}/ExecProcess`, `${control}/Format`, 'containerd.services.content.v1.Content/List', 'containerd.services.leases.v1.Leases/List', 'grpc.reflection.v1.ServerReflection/ServerReflectionInfo']) {
    const { code, message } = await client.send(method, [new Uint8Array()])
    assert.equal(code, codes.denied)
    assert.match(message, new RegExp(`^${method} is not served in this namespace: `))
  }
})

test('messages that are no messages, too many or not known are refused', async () => {
  const unknownField = Uint8Array.of(0xfa, 0x3f, 1, 0)
  assert.equal((await client.send(`${control}/Solve`, [unknownField])).code, codes.denied)
  assert.equal((await client.send(`${control}/Solve`, [Uint8Array.of(0xff, 0xff)])).code, codes.invalid)
  assert.equal((await client.send(`${control}/Info`, [new Uint8Array(), new Uint8Array()])).code, codes.invalid)
  assert.equal((await client.send(`${control}/Info`, [])).code, codes.invalid)
  assert.equal((await client.send(`${control}/Solve`, [toBinary(SolveRequestSchema, create(SolveRequestSchema, { Ref: '' }))])).code, codes.invalid)
  for (const Ref of ['a.b', '../x', 'x'.repeat(59), 'ü']) assert.equal((await solve({ Ref })).code, codes.invalid, Ref)
  const definition = await llb({ op: { case: 'source', value: { identifier: `docker-image://${busybox}` } } })
  definition.def.reverse()
  assert.equal((await solve({ Definition: definition })).code, codes.unknown)
  definition.def = [Uint8Array.of(1, 2, 3)]
  assert.equal((await solve({ Definition: definition })).code, codes.invalid)
})

/** Sends frames on a connection of their own and resolves to what came back until it was quiet, closed, or a second `ping` was answered. */
async function attack(bytes: Iterable<Uint8Array>, wait: (socket: Duplex, received: () => Buffer) => boolean): Promise<Buffer> {
  const socket = await upgraded(socketPath, '/grpc')
  const chunks: Buffer[] = []
  socket.on('error', () => {}).on('data', (chunk) => chunks.push(chunk))
  const received = () => Buffer.concat(chunks)
  socket.write(hello)
  for (const part of bytes) if (!socket.destroyed && !socket.write(part)) await drained(socket)
  await until(() => socket.destroyed || wait(socket, received), 'The gateway answers or hangs up', 60_000)
  const all = received()
  socket.destroy()
  return all
}

/** Kinds of the frames in what a server sent. */
function kinds(bytes: Buffer): number[] {
  const found: number[] = []
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) found.push(bytes[at + 3]!)
  return found
}

const endings = (received: () => Buffer) => kinds(received()).some((kind) => kind === types.goaway || kind === types.reset)
const answered = (received: () => Buffer) => kinds(received()).includes(types.headers) || endings(received)

test('compressed, oversized and broken messages end their call', async () => {
  const data = (payload: Uint8Array) => frame(types.data, flags.endStream, 1, payload)
  const method = `${control}/Info`
  for (const [message, expected] of [
    [Buffer.from([1, 0, 0, 0, 0]), /compressed messages are not served/], [Buffer.concat([Buffer.from([0]), uint32(0xffffffff)]), /larger than/],
    [Buffer.from([0, 0, 0, 0, 9, 1]), /in the middle of a message/], [Buffer.from([7]), /in the middle of a message/],
  ] as const) {
    const received = await attack([callFrame(1, method), data(message)], (_socket, bytes) => answered(bytes))
    // Huffman-coded texts are not read here; the call is ended by headers alone.
    assert.ok(kinds(received).includes(types.headers), String(expected))
  }
  for (const more of [{ 'grpc-encoding': 'gzip' }, { 'content-type': 'application/json' }, { ':path': '/x' }, { ':method': 'GET' }] as Record<string, string>[]) {
    const received = await attack([callFrame(1, method, more)], (_socket, bytes) => answered(bytes))
    assert.ok(kinds(received).some((kind) => kind === types.headers || kind === types.reset || kind === types.goaway), JSON.stringify(more))
  }
  await isAlive()
})

function* repeated(count: number, make: (index: number) => Uint8Array): Generator<Buffer> {
  for (let at = 0; at < count; at += 100) yield Buffer.concat(Array.from({ length: Math.min(100, count - at) }, (_, index) => make(at + index)))
}

test('floods end in a closed connection or in silence, and leave the gateway as it was', async () => {
  const floods: [string, Iterable<Uint8Array>, (received: () => Buffer) => boolean][] = [
    ['10,000 calls', repeated(10_000, (index) => callFrame(1 + 2 * index, `${control}/Info`)), endings],
    ['10,000 calls taken back', repeated(10_000, (index) => Buffer.concat([callFrame(1 + 2 * index, `${control}/Info`), frame(types.reset, 0, 1 + 2 * index, uint32(8))])), endings],
    ['10,000 refused calls', repeated(10_000, (index) => Buffer.concat([callFrame(1 + 2 * index, 'no.Such/Method'), frame(types.data, flags.endStream, 1 + 2 * index)])), answered],
    ['100,000 pings', repeated(100_000, () => frame(types.ping, 0, 0, Buffer.alloc(8))), (received) => kinds(received()).includes(types.ping)],
    ['20,000 settings', repeated(20_000, () => frame(types.settings, 0, 0)), (received) => kinds(received()).length > 1],
    ['goaways', repeated(1_000, () => frame(types.goaway, 0, 0, Buffer.concat([uint32(0), uint32(0)]))), () => true],
    ['endless headers', [frame(types.headers, 0, 1, fields({ ':method': 'POST' })), ...repeated(20_000, () => frame(types.continuation, 0, 1, fields({ 'x-filler': 'y'.repeat(100) })))], endings],
    ['data without a call', [frame(types.data, 0, 5, Buffer.alloc(100))], endings],
    ['a window beyond its limit', [frame(types.window, 0, 0, uint32(0x7fffffff)), frame(types.window, 0, 0, uint32(0x7fffffff))], endings],
    ['an unknown frame', [frame(200, 0, 0, Buffer.alloc(100)), frame(types.ping, 0, 0, Buffer.alloc(8))], (received) => kinds(received()).includes(types.ping)],
    ['no HTTP/2 at all', [Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(100))], endings],
  ]
  const before = resources()
  for (const [name, frames, wait] of floods) {
    await attack(frames, (_socket, received) => wait(received)).catch((error) => { throw new Error(name, { cause: error }) })
    await isAlive()
  }
  await until(() => resources().descriptors <= before.descriptors, `The gateway lets go of its descriptors; it had ${before.descriptors}`, 60_000)
  assert.ok(resources().megabytes < before.megabytes + 400, `the gateway grew from ${before.megabytes} to ${resources().megabytes} MB`)
})

/** What the gateway's process has open and in memory. */
function resources(): { descriptors: number; megabytes: number } {
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8')
  return { descriptors: readdirSync(`/proc/${gateway.pid}/fd`).length, megabytes: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024) }
}

test('connections that are half closed, silent or dropped are let go of', async () => {
  const before = resources().descriptors
  const sockets: Duplex[] = []
  for (let index = 0; index < 20; index++) {
    const socket = await upgraded(socketPath, '/grpc')
    sockets.push(socket.on('error', () => {}))
    if (index % 4 === 0) socket.end()
    if (index % 4 === 1) socket.end(Buffer.concat([hello, callFrame(1, `${control}/Info`)]))
    if (index % 4 === 2) socket.write(hello.subarray(0, 10))
    if (index % 4 === 3) socket.write(Buffer.concat([hello, callFrame(1, `${control}/Status`)]))
  }
  // Their own half was ended, and the gateway ends the other.
  await until(() => sockets.filter((_socket, index) => index % 4 < 2).every((socket) => { socket.resume(); return socket.readableEnded || socket.destroyed }), 'The gateway hangs up', 60_000)
  for (const socket of sockets) socket.destroy()
  await until(() => resources().descriptors <= before, `The gateway lets go of its descriptors; it had ${before}`, 60_000)
  await isAlive()
})

test('a session in messages whose client breaks off, or sends what is none, ends alone', async () => {
  const { pid } = gateway
  const head = (stream: number) => callFrame(stream, `${control}/Session`, { 'x-docker-expose-session-uuid': buildId(), 'x-docker-expose-session-name': 'x', 'x-docker-expose-session-grpc-method': '/x.Y/Z' })
  const message = (bytes: Uint8Array) => frame(types.data, 0, 1, Buffer.concat([Buffer.from([0]), uint32(bytes.length), bytes]))
  const bad: [string, Uint8Array][] = [
    ['no message', message(Uint8Array.of(0xff, 0xff))],
    ['an unknown field', message(Uint8Array.of(0xfa, 0x3f, 1, 0))],
    ['a compressed message', frame(types.data, 0, 1, Buffer.from([1, 0, 0, 0, 0]))],
    ['the middle of a message', frame(types.data, flags.endStream, 1, Buffer.from([0, 0, 0, 0, 9, 1]))],
    ['a call taken back', frame(types.reset, 0, 1, uint32(8))],
    ['a broken connection', frame(types.data, 0, 0, Buffer.alloc(9))],
  ]
  for (const [what, bytes] of bad) {
    await attack([head(1), bytes, frame(types.ping, 0, 0, Buffer.alloc(8))], (_socket, received) => kinds(received()).filter((kind) => kind === types.ping).length > 0 || endings(received)).catch((error) => { throw new Error(what, { cause: error }) })
    await until(async () => (await client.ask(`${control}/Info`, InfoRequestSchema, {}, InfoResponseSchema)).code === 0, `others are served after ${what}`)
  }
  // A client that is killed while the engine says nothing.
  const socket = await upgraded(socketPath, '/grpc')
  socket.on('error', () => {}).write(Buffer.concat([hello, head(1)]))
  await isAlive()
  socket.destroy()
  await isAlive()
  assert.equal(gateway.pid, pid)
  assert.doesNotMatch(gateway.log(), /by a defect/)
})

test('more than may be under way at one time is refused, not held in memory', async () => {
  const large = Buffer.concat([Buffer.from([0]), uint32(15 * 1024 * 1024), Buffer.alloc(1024)])
  const calls = Array.from({ length: 20 }, (_, index) => Buffer.concat([callFrame(1 + 2 * index, `${control}/Solve`), frame(types.data, 0, 1 + 2 * index, large)]))
  const received = await attack(calls, (_socket, bytes) => answered(bytes))
  assert.ok(kinds(received).includes(types.headers))
  await isAlive()
})
