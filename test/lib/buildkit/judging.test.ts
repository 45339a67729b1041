import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { judgeCacheOptions, judgeExporters, type Pushing } from '../../../lib/buildkit/exporters.ts'
import { frontendOf } from '../../../lib/buildkit/frontends.ts'
import { judgeOptions } from '../../../lib/buildkit/options.ts'
import { ExporterSchema } from '../../../lib/buildkit/proto/control_pb.ts'
import { PolicyAction } from '../../../lib/buildkit/proto/policy_pb.ts'
import { asGrpc } from '../../../lib/buildkit/refusals.ts'
import { buildText, scopedId, unscopedId } from '../../../lib/buildkit/scope.ts'
import { sessionMetadata } from '../../../lib/buildkit/session.ts'
import { sourcePolicy, type LocalImage, type Sources } from '../../../lib/buildkit/sources.ts'
import { GrpcError } from '../../../lib/grpc.ts'
import { defaultPolicy, type Policy } from '../../../lib/policy.ts'
import { normalised, parseReference } from '../../../lib/reference.ts'

const ns = 'abcdefghijklmnop'
const scope = { ns, group: '/moorage/secret', cache: 'csecret' }

function sourcesWith(images: Record<string, LocalImage> = {}, policy: Partial<Policy> = {}): Sources {
  const map = new Map(Object.entries(images))
  return { ns, images: map, policy: { ...defaultPolicy, ...policy }, own: (text) => { try { return map.get(normalised(parseReference(text))) } catch { return undefined } } }
}

const own = { id: `sha256:${'1'.repeat(64)}`, stored: `moorage.invalid/${ns}/docker.io/library/app:latest` }
const sources = sourcesWith({ 'docker.io/library/app:latest': own, 'docker.io/library/busybox:latest': { id: `sha256:${'2'.repeat(64)}`, stored: 'docker.io/library/busybox:latest' } })

const byClient: Pushing = { by: 'client', policy: defaultPolicy }

const refused = (work: () => unknown, expected: RegExp) => assert.throws(work, (error) => asGrpc(error) instanceof GrpcError && expected.test((error as Error).message))

test('options of a build are passed, rewritten, forced or refused', () => {
  const judged = judgeOptions({
    'filename': 'Dockerfile', 'build-arg:A': '1', 'label:x': 'y', 'local-sessionid:context': 'abc', 'cgroup-parent': '/docker', 'image-resolve-mode': 'local',
    'build-arg:BUILDKIT_CACHE_MOUNT_NS': 'theirs', 'build-arg:BUILDKIT_SYNTAX': 'evil', 'source': 'evil', 'cmdline': 'evil', 'gateway-devel': 'true', 'context:x': 'docker-image://alpine',
  }, scope, sources)
  assert.deepEqual(judged, {
    'filename': 'Dockerfile', 'build-arg:A': '1', 'label:x': 'y', 'local-sessionid:context': `${ns}.abc`, 'cgroup-parent': scope.group, 'image-resolve-mode': 'pull',
    'build-arg:BUILDKIT_CACHE_MOUNT_NS': scope.cache, 'cmdline': 'moorage', 'context:x': 'docker-image://alpine',
  })
  for (const [key, value] of [
    ['force-network-mode', 'host'], ['attest:sbom', 'generator=x'], ['device', 'x'], ['unknown', ''], ['Context', 'x'], ['__proto__', 'x'], ['context', 'https://example.com/x.git'],
    ['context', 'git@example.com:x'], ['context:a', 'ssh://example.com/x'], ['local-sessionid:x', 'other.abc'],
  ]) refused(() => judgeOptions({ [key!]: value! }, scope, sources), /is not allowed in this namespace|invalid id/)
})

test('whatever options a client sends, what is forced is forced', () => {
  const keys = fc.oneof(fc.string(), fc.constantFrom('cgroup-parent', 'image-resolve-mode', 'cmdline', 'build-arg:BUILDKIT_CACHE_MOUNT_NS', 'build-arg:x', 'label:', 'CGROUP-PARENT'))
  fc.assert(fc.property(fc.dictionary(keys, fc.string()), (options) => {
    try {
      const judged = judgeOptions(options, scope, sources)
      assert.deepEqual([judged['cgroup-parent'], judged['image-resolve-mode'], judged['build-arg:BUILDKIT_CACHE_MOUNT_NS']], [scope.group, 'pull', scope.cache])
    } catch (error) {
      assert.ok(asGrpc(error) instanceof GrpcError)
    }
  }))
})

test('remote contexts are for policies that allow them', () => {
  const open = sourcesWith({}, { build: { cache: 'domain', remote: true } })
  for (const context of ['https://example.com/x.git', 'git://example.com/x', 'git@example.com:x', 'github.com/moby/moby']) {
    assert.equal(judgeOptions({ context }, scope, open).context, context)
    refused(() => judgeOptions({ context }, scope, sources), /the remote build context/)
  }
  assert.equal(judgeOptions({ context: 'http://buildkit-session/abc' }, scope, sources).context, 'http://buildkit-session/abc')
  for (const context of ['http://buildkit-session.example/x', 'http://buildkit-session@example/', 'http://example/buildkit-session/']) refused(() => judgeOptions({ context }, scope, sources), /remote/)
})

test('exporters leave images under stored names only', () => {
  const exporter = (Type: string, Attrs: Record<string, string>) => create(ExporterSchema, { Type, Attrs })
  const { exporters, exported } = judgeExporters([exporter('moby', { name: 'app,app:2,host:5000/x,app:latest', 'annotation.a': 'b', load: 'true' })], scope, byClient)
  assert.deepEqual({ ...exporters[0]!.Attrs }, {
    name: ['docker.io/library/app:latest', 'docker.io/library/app:2', 'host__5000/x:latest'].map((name) => `moorage.invalid/${ns}/${name}`).join(','), 'annotation.a': 'b',
  })
  assert.equal(exported.references.length, 3)
  assert.deepEqual(judgeExporters([exporter('local', {}), exporter('oci', { name: 'x' })], scope, byClient).exported, { image: false, references: [], pushed: [] })
  for (const [type, attrs] of [
    ['registry', {}], ['', {}], ['moby', { evil: '1' }], ['moby', { name: `app@sha256:${'0'.repeat(64)}` }], ['MOBY', {}],
  ] as const) refused(() => judgeExporters([exporter(type, { ...attrs })], scope, byClient), /not allowed|digest reference/)
})

test('what is to be pushed is left to the client, or sent by the engine under its real name with no trace of that on the engine', () => {
  const exporters = (pushing: Pushing, name = 'host:5000/x,app:2') =>
    judgeExporters([create(ExporterSchema, { Type: 'moby', Attrs: { name, push: 'true', compression: 'zstd' } })], scope, pushing).exporters.map(({ Type, Attrs }) => ({ Type, ...Attrs }))
  const kept = { Type: 'moby', compression: 'zstd', name: ['host__5000/x:latest', 'docker.io/library/app:2'].map((name) => `moorage.invalid/${ns}/${name}`).join(',') }
  assert.deepEqual(exporters(byClient), [kept])
  const engine = { by: 'engine', policy: defaultPolicy } as const
  assert.deepEqual(exporters(engine), [kept, { Type: 'image', compression: 'zstd', name: 'host:5000/x:latest,docker.io/library/app:2', push: 'true', store: 'false', unpack: 'false' }])
  refused(() => exporters({ by: undefined, policy: defaultPolicy }), /pushing from inside a build is not allowed/)
  refused(() => exporters({ by: 'engine', policy: { ...defaultPolicy, registries: ['docker.io'] } }), /the registry host:5000 to push to is not allowed/)
  refused(() => exporters(engine, '169.254.169.254/x'), /the registry 169.254.169.254 to push to/)
  refused(() => exporters(engine, 'docker.io/localhost/x'), /is read as one of a registry/)
})

test('caches come from allowed registries and own images', () => {
  const listed = sourcesWith({ 'docker.io/library/app:latest': own }, { registries: ['registry.example'] })
  const judged = (text: string) => { const options = { 'cache-imports': text }; judgeCacheOptions(options, listed); return JSON.parse(options['cache-imports']) }
  assert.deepEqual(judged('[{"Type":"registry","Attrs":{"ref":"app"}},{"Type":"registry","Attrs":{"ref":"registry.example/x"}},{"Type":"inline"}]'), [
    { Type: 'registry', Attrs: { ref: own.stored } }, { Type: 'registry', Attrs: { ref: 'registry.example/x:latest' } }, { Type: 'inline', Attrs: {} },
  ])
  for (const text of ['[{"Type":"registry","Attrs":{"ref":"evil.example/x"}}]', '[{"Type":"s3"}]', '{}', 'x', '[null]', '[{"type":"registry"}]']) refused(() => judged(text), /not allowed|not a list/)
  const old = { 'cache-from': 'app,registry.example/y:1' }
  judgeCacheOptions(old, listed)
  assert.equal(old['cache-from'], `${own.stored},registry.example/y:1`)
})

test('the one frontend is the one that reads Dockerfiles', () => {
  for (const source of ['docker/dockerfile', 'docker/dockerfile:1', 'docker.io/docker/dockerfile:1.7-labs', `docker/dockerfile@sha256:${'0'.repeat(64)}`]) assert.equal(frontendOf('gateway.v0', { source }), 'dockerfile.v0')
  for (const source of ['evil/dockerfile', 'docker/dockerfile.evil', 'docker/dockerfile/x', 'host:5000/docker/dockerfile', '']) refused(() => frontendOf('gateway.v0', { source }), /the frontend/)
  refused(() => frontendOf('x', {}), /the frontend x/)
})

/** moby/buildkit, sourcepolicy/engine.go, for policies without conversions. */
function allows(given: Sources, identifier: string): boolean {
  let allowed = true
  for (const { action, selector } of sourcePolicy(given).rules) {
    if (RE2JS.compile(selector!.identifier).test(identifier)) allowed = action === PolicyAction.ALLOW
  }
  return allowed
}

test('the source policy allows own and shared images, registries of the policy, and what the client sends', () => {
  const listed = sourcesWith(Object.fromEntries(sources.images), { registries: ['registry.example', '*.corp.example', 'host:5000'] })
  for (const [identifier, expected] of [
    ['local://context', true], ['oci-layout://x', true], ['http://buildkit-session/abc', true], ['docker-image://docker.io/library/busybox:latest', true],
    [`docker-image://${own.stored}`, true], [`docker-image://moorage.invalid/${ns}/untagged:${'1'.repeat(64)}`, true],
    ['docker-image://registry.example/x:1', true], ['docker-image://a.corp.example/x:1', true], ['docker-image://host:5000/x:1', true],
    ['docker-image://docker.io/library/alpine:latest', false], ['docker-image://docker.io/library/busybox:other', false], ['docker-image://docker.io/library/busybox:latest2', false],
    ['docker-image://registryXexample/x:1', false], ['docker-image://registry.example.evil/x:1', false], ['docker-image://evil/registry.example/x:1', false],
    ['docker-image://corp.example/x:1', false], ['docker-image://host:5000.evil/x', false], ['docker-image://moorage.invalid/bbbbbbbbbbbbbbbb/docker.io/library/app:latest', false],
    [`docker-image://moorage.invalid/${ns}x/y:1`, false], [`docker-image://evil/moorage.invalid/${ns}/y:1`, false], ['http://127.0.0.1/', false], ['https://example.com/', false],
    ['http://buildkit-session.example/', false], ['git://example.com/x', false], ['ssh://x', false], ['file:///etc/passwd', false], ['', false],
  ] as const) assert.equal(allows(listed, identifier), expected, identifier)
})

test('an open source policy still keeps stored names, registries in disguise and link-local addresses away', () => {
  for (const [identifier, expected] of [
    ['docker-image://docker.io/library/alpine:latest', true], ['docker-image://docker.io/user/app:1', true], ['docker-image://127.0.0.1:5000/x:1', true], ['docker-image://[::1]:5000/x:1', true],
    ['docker-image://docker.io/localhost/x:1', false], ['docker-image://docker.io/host:5000/x:1', false], ['docker-image://docker.io/10.0.0.1/x:1', false],
    ['docker-image://169.254.169.254/x:1', false], ['docker-image://169.254.169.254:80/x:1', false], ['docker-image://[fe80::1]:80/x', false], ['docker-image://[FE80::1]/x', false],
    ['docker-image://[::ffff:169.254.169.254]/x', false], ['docker-image://2852039166:80/x', false], ['docker-image://0xa9.254.169.254/x', false], ['docker-image://0251.254.169.254/x', false],
    ['docker-image://moorage.invalid/x:1', false], ['docker-image://moorage.invalid:443/x:1', false],
  ] as const) assert.equal(allows(sources, identifier), expected, identifier)
  const remote = sourcesWith({}, { build: { cache: 'domain', remote: true } })
  for (const [identifier, expected] of [['https://example.com/x', true], ['git://example.com/x', true], ['http://169.254.169.254/', false], ['https://user@169.254.169.254/', false], ['http://2852039166/', false]] as const) {
    assert.equal(allows(remote, identifier), expected, identifier)
  }
})

test('no other namespace\'s stored name is ever allowed', () => {
  const token = fc.stringMatching(/^[a-z][a-z0-9]{15}$/).filter((other) => other !== ns)
  fc.assert(fc.property(token, fc.stringMatching(/^[a-z0-9./:_-]{1,40}$/), fc.array(fc.constantFrom('*', '*.invalid', 'moorage.invalid'), { maxLength: 3 }), (other, rest, registries) => {
    assert.equal(allows(sourcesWith({}, { registries }), `docker-image://moorage.invalid/${other}/${rest}`), false)
  }))
})

test('ids carry their namespace, and come back', () => {
  fc.assert(fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,57}$/), (id) => { assert.equal(unscopedId(ns, scopedId(ns, id)), id) }))
  assert.equal(scopedId(ns, ''), '')
  for (const id of ['a.b', `${ns}.x`, '.', '-a', 'a/b', 'a:b', 'x'.repeat(59), 'a b', 'ä']) refused(() => scopedId(ns, id), /invalid id/)
  assert.equal(unscopedId(ns, 'bbbbbbbbbbbbbbbb.x'), undefined)
})

test('what BuildKit says is shown in the job\'s words', () => {
  for (const [said, shown] of [
    [`naming to moorage.invalid/${ns}/docker.io/library/app:latest`, 'naming to docker.io/library/app:latest'],
    [`FROM moorage.invalid/${ns}/host__5000/x:1@sha256:${'a'.repeat(64)}`, `FROM host:5000/x@sha256:${'a'.repeat(64)}`],
    [`moorage.invalid/${ns}/untagged:${'a'.repeat(64)}: gone`, `sha256:${'a'.repeat(64)}: gone`],
    [`no such job ${ns}.abc`, 'no such job abc'], ['with id "csecret/x"', 'with id "x"'], ['group /moorage/secret', 'group '], ['nothing of it', 'nothing of it'],
  ]) assert.equal(buildText(scope, said!), shown)
})

test('a session says who it is in fields of known form', () => {
  const read = (values: Record<string, readonly string[]>) => sessionMetadata(ns, (name) => values[name.replace('x-docker-expose-session-', '')] ?? [])
  assert.deepEqual(read({ uuid: ['abc'], name: ['ctx'], sharedkey: ['key'], 'grpc-method': ['/a.B/C', '/d.E/F, /g.H/I'] }), {
    'x-docker-expose-session-uuid': [`${ns}.abc`], 'x-docker-expose-session-name': ['ctx'], 'x-docker-expose-session-sharedkey': [`${ns}.key`],
    'x-docker-expose-session-grpc-method': ['/a.B/C', '/d.E/F', '/g.H/I'],
  })
  for (const values of [{}, { uuid: ['a', 'b'] }, { uuid: ['a.b'] }, { uuid: ['a'], name: ['x'.repeat(1025)] }, { uuid: ['a'], sharedkey: ['a\nb'] }, { uuid: ['a'], 'grpc-method': ['a b'] }, { uuid: ['a'], 'grpc-method': Array.from({ length: 101 }, () => '/a/b') }]) {
    refused(() => read(values as Record<string, string[]>), /invalid/)
  }
})
