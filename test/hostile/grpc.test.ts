import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { InfoRequestSchema as ContentInfoSchema, InfoResponseSchema as ContentAnswerSchema } from '../../lib/buildkit/proto/content_pb.ts'
import {
  BuildHistoryEventSchema, BuildHistoryRequestSchema, SolveRequestSchema, StatusRequestSchema,
  StatusResponseSchema, UpdateBuildHistoryRequestSchema, UpdateBuildHistoryResponseSchema,
} from '../../lib/buildkit/proto/control_pb.ts'
import * as g from '../../lib/buildkit/proto/gateway_pb.ts'
import { create, toBinary } from '@bufbuild/protobuf'
import { dockerfile } from '../setup/build-context.ts'
import { docker } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { buildId, control, grpcClient, solver, upgraded, type GrpcClient } from '../setup/grpc-client.ts'
import { fileLlb, llb, runLlb } from '../setup/llb.ts'
import { until } from '../setup/processes.ts'
import { startRegistry } from '../setup/registry.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const bridge = 'moby.buildkit.v1.frontend.LLBBridge'
const codes = { unknown: 2, invalid: 3, notFound: 5, denied: 7, unimplemented: 12, internal: 13 }

const directory = mkdtempSync(join(tmpdir(), 'moorage-hostile-grpc-'))
const socketPath = join(directory, 'attacker')
let engine: Engine
let gateway: Gateway
let attacker: Namespace
let victim: Namespace
let client: GrpcClient

before(async () => {
  engine = await sharedEngine('28.5')
  gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] }, policies: { default: {}, few: { limits: { builds: 1 } }, remote: { build: { remote: true } } } } })
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

test('a generator of bills of materials, which would run outside of the namespace, is refused however it is asked for', async (t) => {
  const there = await grpcClient(engine.socket)
  t.after(() => there.close())
  const definition = await runLlb(busybox, ['true'])
  for (const key of ['attest:sbom', 'build-arg:BUILDKIT_ATTEST_SBOM', 'build-arg:BUILDKIT_ATTEST_sbOM']) {
    const request = { Definition: definition, FrontendAttrs: { [key]: 'generator=127.0.0.1:1/evil' } }
    const { code, message } = await solve(request)
    assert.deepEqual([code, /attest:sbom is not allowed in this namespace/.test(message)], [codes.denied, true], message)
    const inside = await directed((metadata) => client.ask(`${bridge}/Solve`, g.SolveRequestSchema, { Frontend: 'dockerfile.v0', FrontendOpt: request.FrontendAttrs }, g.SolveResponseSchema, metadata))
    assert.equal(inside.code, codes.denied, inside.message)
    // The engine goes for it.
    assert.match((await solver(() => there)(request)).message, /127\.0\.0\.1:1/)
  }
  for (const key of ['attest:provenance', 'build-arg:BUILDKIT_ATTEST_PROVENANCE']) assert.equal((await solve({ Definition: definition, FrontendAttrs: { [key]: 'mode=max' } })).code, 0, key)
  assert.equal((await solve({ FrontendAttrs: { 'attest:other': '' } })).code, codes.denied)
})

test('a git source is not fetched from another host than it is judged by, also where the policy has remote sources', async (t) => {
  await gateway.open('--policy', 'remote', '--unix', join(directory, 'remote'))
  const [remote, there, registry] = [await grpcClient(join(directory, 'remote')), await grpcClient(engine.socket), await startRegistry(engine)]
  t.after(() => {
    for (const one of [remote, there]) one.close()
    registry.stop()
  })
  const definition = await llb({ op: { case: 'source', value: { identifier: 'git://git.example/x.git', attrs: { 'git.fullurl': `http://${registry.address}/x.git` } } } })
  const before = registry.log()
  const { code, message } = await solver(() => remote)({ Definition: definition })
  assert.deepEqual([code, /is on another host than git:\/\/git\.example/.test(message)], [codes.denied, true], message)
  assert.equal(registry.log(), before)
  await solver(() => there)({ Definition: definition })
  assert.match(registry.log().slice(before.length), /GET \/x\.git\/info\/refs/)
})

test('caches under the gateway\'s own name for images are not imported', async () => {
  const ref = `moorage.invalid/${victim.id}/docker.io/library/private:latest`
  for (const request of [{ Cache: { Imports: [{ Type: 'registry', Attrs: { ref } }] } }, { FrontendAttrs: { 'cache-from': ref } }, { FrontendAttrs: { 'cache-imports': JSON.stringify([{ Type: 'registry', Attrs: { ref } }]) } }]) {
    const { code, message } = await solve(request)
    assert.deepEqual([code, /the registry moorage\.invalid as a cache is not allowed/.test(message)], [codes.denied, true], message)
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
