import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildContext, dockerfile } from '../setup/build-context.ts'
import { cli, docker } from '../setup/cli.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { sharedEngine } from '../setup/shared-engine.ts'
import type { Engine } from '../setup/engine.ts'

const timeout = 120_000

let engine: Engine
let gateway: Gateway
let one: Namespace
let other: Namespace

before(async () => {
  engine = await sharedEngine('28.5')
  gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] } } })
  one = await gateway.open('--label', 'build-one')
  other = await gateway.open('--label', 'build-other')
})
after(() => gateway.stop())

const build = (namespace: Namespace, ...args: string[]) => docker(namespace.env, ['build', '-q', ...args], { timeout })

test('docker build makes an image under the name that was asked for, and a container runs from it', async () => {
  const context = buildContext({ Dockerfile: 'FROM busybox AS made\nRUN echo made > /made\nFROM busybox\nCOPY --from=made /made /\nCOPY file /', file: 'copied\n' })
  const id = await build(one, '-t', 'app', context)
  assert.match(id, /^sha256:[0-9a-f]{64}$/)
  assert.equal(await docker(one.env, ['run', '--rm', 'app', 'cat', '/made', '/file']), 'made\ncopied')
  assert.equal(await docker(one.env, ['image', 'inspect', '-f', '{{.Id}} {{.RepoTags}}', 'app']), `${id} [app:latest]`)
})

test('an image without a name is there by its id', async () => {
  const id = await build(one, dockerfile('FROM busybox\nLABEL without=name'))
  assert.equal(await docker(one.env, ['image', 'inspect', '-f', '{{.Id}} {{.RepoTags}}', id]), `${id} []`)
})

test('two namespaces build under the same name and have an image each', async () => {
  const [mine, theirs] = await Promise.all([one, other].map((namespace, index) => build(namespace, '-t', 'same:1', dockerfile(`FROM busybox\nRUN echo ${index} > /which`))))
  assert.notEqual(mine, theirs)
  assert.equal(await docker(one.env, ['run', '--rm', 'same:1', 'cat', '/which']), '0')
  assert.equal(await docker(other.env, ['run', '--rm', 'same:1', 'cat', '/which']), '1')
})

test('FROM, COPY --from and RUN --mount take the images of the namespace, and no one else\'s', async () => {
  await build(one, '-t', 'base', dockerfile('FROM busybox\nRUN echo private > /secret'))
  const context = dockerfile('FROM base\nCOPY --from=base /secret /copied\nRUN --mount=from=base,target=/mnt cat /mnt/secret /copied /secret > /all')
  await build(one, '-t', 'derived', context)
  assert.equal(await docker(one.env, ['run', '--rm', 'derived', 'cat', '/all']), 'private\nprivate\nprivate')
  const { status, stderr } = await cli(other.env, ['build', '-t', 'derived', context], { timeout })
  assert.equal(status, 1)
  assert.match(stderr, /base: failed to resolve source metadata for docker.io\/library\/base:latest/)
})

test('an image of several names is told of by the one that the Dockerfile writes', async () => {
  for (const name of ['several-a', 'several-b', 'several-c:1']) await docker(one.env, ['tag', 'busybox', name])
  const { status, stderr } = await cli(one.env, ['build', '--progress', 'plain', dockerfile('FROM several-b AS made\nRUN echo made > /made\nFROM several-c:1\nCOPY --from=made /made /')], { timeout })
  assert.equal(status, 0, stderr)
  assert.deepEqual([...new Set(stderr.match(/(?<=FROM )docker\.io\/library\/several\S+/g))].toSorted(), ['docker.io/library/several-b:latest', 'docker.io/library/several-c:1'])
})

test('a stage that is called like an image of the namespace is that stage', async () => {
  await build(one, '-t', 'tools', dockerfile('FROM busybox\nRUN echo image > /what'))
  await build(one, '-t', 'staged', dockerfile('FROM busybox AS tools\nRUN echo stage > /what\nFROM busybox\nCOPY --from=tools /what /'))
  assert.equal(await docker(one.env, ['run', '--rm', 'staged', 'cat', '/what']), 'stage')
})

test('a stored name of another namespace is denied in readable words', async () => {
  await build(one, '-t', 'hidden', dockerfile('FROM busybox\nRUN echo hidden > /hidden'))
  const { status, stderr } = await cli(other.env, ['build', dockerfile(`FROM moorage.invalid/${one.id}/docker.io/library/hidden:latest`)], { timeout })
  assert.equal(status, 1)
  assert.match(stderr, /denied by policy/)
})

test('an engine that cannot keep builds apart says so, with its version and what is needed', async () => {
  const old = await sharedEngine('20.10')
  const before = await startGateway({ engineSocket: old.socket })
  try {
    const { status, stderr } = await cli((await before.open()).env, ['build', dockerfile('FROM busybox')], { timeout })
    assert.equal(status, 1)
    assert.match(stderr, /runs Docker Engine 20\.10.*, whose BuildKit has no source policy.*needs Docker Engine 24 or newer/s)
  } finally {
    await before.stop()
  }
})
