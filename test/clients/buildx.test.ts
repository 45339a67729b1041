import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildContext, dockerfile } from '../setup/build-context.ts'
import { cli, docker } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { startRegistry } from '../setup/registry.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const timeout = 120_000
const directory = mkdtempSync(join(tmpdir(), 'moorage-buildx-'))
const at = (name: string) => join(directory, name)

let engine: Engine
let gateway: Gateway
let namespace: Namespace
let other: Namespace

before(async () => {
  engine = await sharedEngine('28.5')
  gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] } } })
  namespace = await gateway.open('--label', 'buildx')
  other = await gateway.open('--label', 'buildx-other')
})
after(async () => {
  await gateway.stop()
  rmSync(directory, { recursive: true })
})

const run = (...args: string[]) => docker(namespace.env, args, { timeout })
const fails = async (...args: string[]) => {
  const { status, stderr } = await cli(namespace.env, args, { timeout })
  assert.equal(status, 1, stderr)
  return stderr
}
const cat = (image: string, ...files: string[]) => run('run', '--rm', image, 'cat', ...files)

test('a secret is there for one step and not in the image', async () => {
  writeFileSync(at('secret'), 'hush')
  const context = dockerfile('FROM busybox\nRUN --mount=type=secret,id=key wc -c < /run/secrets/key > /length')
  await run('build', '-q', '-t', 'secret', '--secret', `id=key,src=${at('secret')}`, context)
  assert.equal(await cat('secret', '/length'), '4')
  assert.equal(await run('run', '--rm', 'secret', 'sh', '-c', 'ls /run/secrets 2>/dev/null | wc -l'), '0')
})

test('an ssh agent is forwarded', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(at('key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  await run('build', '-q', '--ssh', `default=${at('key')}`, dockerfile('FROM busybox\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"'))
})

test('a cache mount keeps its files for the next build, is the namespace\'s, is counted and pruned', async () => {
  const step = (text: string) => dockerfile(`FROM busybox\nRUN --mount=type=cache,id=kept,target=/kept ${text}`)
  await run('build', '-q', step('echo mine > /kept/file'))
  await run('build', '-q', '-t', 'mount', step('cat /kept/file > /seen'))
  assert.equal(await cat('mount', '/seen'), 'mine')
  await docker(other.env, ['build', '-q', step('test ! -e /kept/file')], { timeout })
  assert.match(await run('buildx', 'du', '--verbose'), /with id "kept"/)
  assert.doesNotMatch(await docker(other.env, ['buildx', 'du', '--verbose']), /echo mine/)
  await docker(other.env, ['buildx', 'prune', '-af'])
  assert.match(await run('buildx', 'du', '--verbose'), /with id "kept"/)
  await run('builder', 'prune', '-af')
  assert.doesNotMatch(await run('buildx', 'du', '--verbose'), /kept/)
})

test('stages, a target, heredocs, arguments and a # syntax line are read', async () => {
  const context = dockerfile(`# syntax=docker/dockerfile:1
FROM busybox AS first
ARG WORD=none
COPY <<EOF /first
$WORD
EOF
FROM first AS second
RUN <<EOF
cat /first > /second
echo more >> /second
EOF
FROM busybox
RUN false`)
  await run('build', '-q', '-t', 'target', '--target', 'second', '--build-arg', 'WORD=said', context)
  assert.equal(await cat('target', '/second'), 'said\nmore')
})

test('named contexts are folders and images of the namespace', async () => {
  await run('build', '-q', '-t', 'named', dockerfile('FROM busybox\nRUN echo image > /from'))
  const extra = buildContext({ file: 'folder' })
  const context = dockerfile('FROM base\nCOPY --from=extra /file /folder\nCOPY --from=base /from /copied')
  await run('buildx', 'build', '-q', '-t', 'contexts', '--build-context', 'base=docker-image://named', '--build-context', `extra=${extra}`, context)
  assert.equal(await cat('contexts', '/from', '/folder', '/copied'), 'image\nfolderimage')
})

test('results go to a folder, a tar, and the namespace\'s images', async () => {
  const context = dockerfile('FROM scratch\nCOPY Dockerfile /out')
  await run('buildx', 'build', '-o', at('out'), context)
  assert.match(readFileSync(at('out/out'), 'utf8'), /FROM scratch/)
  await run('buildx', 'build', '-o', `type=tar,dest=${at('out.tar')}`, context)
  assert.ok(existsSync(at('out.tar')))
  await run('buildx', 'build', '-q', '--load', '-t', 'loaded', dockerfile('FROM busybox'))
  assert.match(await run('images', '-q', 'loaded'), /^[0-9a-f]{12}$/)
})

test('the context may come from stdin', async () => {
  const { status, stderr } = await cli(namespace.env, ['build', '-t', 'stdin', '-'], { input: 'FROM busybox\nRUN echo in > /in', timeout })
  assert.equal(status, 0, stderr)
  assert.equal(await cat('stdin', '/in'), 'in')
})

test('a cache goes inline to a registry and comes from there', async () => {
  const registry = await startRegistry(engine)
  try {
    const name = `${registry.address}/cached`
    const context = dockerfile(`FROM busybox\nRUN echo ${randomBytes(8).toString('hex')} > /x`)
    await run('buildx', 'build', '-q', '--cache-to', 'type=inline', '-t', name, context)
    const { status, stderr } = await cli(namespace.env, ['buildx', 'build', '--progress', 'plain', '--cache-from', `type=registry,ref=${name}`, context], { timeout })
    assert.equal(status, 0, stderr)
    assert.match(stderr, /CACHED/)
    // Of an own image on the engine as of one in a registry that is asked for and not there.
    await run('buildx', 'build', '-q', '--cache-from', `type=registry,ref=${registry.address}/missing`, context)
  } finally {
    registry.stop()
  }
})

test('an image that its build is told to push is in its registry, whichever way buildx is told', async () => {
  const registry = await startRegistry(engine)
  try {
    const context = dockerfile('FROM busybox\nRUN echo pushed > /pushed')
    for (const [name, options] of Object.entries({ attribute: (image: string) => ['--output', `type=image,name=${image},push=true`], flag: (image: string) => ['--push', '-t', image] })) {
      const image = `${registry.address}/pushed/${name}`
      await run('buildx', 'build', '-q', ...options(image), context)
      assert.equal(await docker(other.env, ['run', '--rm', image, 'cat', '/pushed'], { timeout }), 'pushed')
    }
    assert.doesNotMatch(await engine.docker('images', '--format', '{{.Repository}}'), new RegExp(`^${registry.address}/pushed`, 'm'))
  } finally {
    registry.stop()
  }
})

test('bake builds targets that need each other, from one context and an image of the namespace', async () => {
  await run('build', '-q', '-t', 'ground', dockerfile('FROM busybox\nRUN echo ground > /ground'))
  const context = buildContext({
    Dockerfile: 'FROM ground\nRUN cat /ground > /base',
    'app.Dockerfile': 'FROM base\nRUN cp /base /app',
    'docker-bake.json': JSON.stringify({
      group: { default: { targets: ['base', 'app', 'twin'] } },
      target: {
        base: { tags: ['baked-base'] }, app: { dockerfile: 'app.Dockerfile', contexts: { base: 'target:base' }, tags: ['baked-app'] }, twin: { tags: ['baked-twin:1'] },
      },
    }),
  })
  const { status, stderr } = await cli(namespace.env, ['buildx', 'bake', '--allow', 'fs=*'], { cwd: context, timeout })
  assert.equal(status, 0, stderr)
  assert.equal(await cat('baked-app', '/app'), 'ground')
})

for (const [builder, bake] of Object.entries({ buildx: 'true', itself: 'false' })) {
  test(`compose builds services that share a context, by ${builder}`, async () => {
    const context = buildContext({
      Dockerfile: 'FROM busybox\nARG NAME\nCOPY data /data\nRUN echo $NAME > /name', data: 'shared',
      'compose.yaml': JSON.stringify({
        services: Object.fromEntries(['web', 'worker'].map((name) => [name, { build: { context: '.', args: { NAME: `${name} by ${builder}` } }, image: `composed-${name}` }])),
      }),
    })
    const { status, stderr } = await cli({ ...namespace.env, COMPOSE_BAKE: bake }, ['compose', '-p', 'built', 'build'], { cwd: context, timeout })
    assert.equal(status, 0, stderr)
    assert.equal(await cat('composed-web', '/name', '/data'), `web by ${builder}\nshared`)
    assert.equal(await cat('composed-worker', '/name', '/data'), `worker by ${builder}\nshared`)
  })
}

test('the history shows the namespace\'s builds, their logs and attachments, and forgets what is removed', async () => {
  const word = randomBytes(8).toString('hex')
  await run('build', '-q', '-t', 'told:1', '--metadata-file', at('metadata.json'), dockerfile(`FROM busybox\nRUN echo ${word}`))
  const metadata = JSON.parse(readFileSync(at('metadata.json'), 'utf8'))
  assert.equal(metadata['image.name'], 'docker.io/library/told:1')
  const ref = metadata['buildx.build.ref'].split('/').at(-1)
  assert.match(await run('buildx', 'history', 'ls', '--format', '{{.Ref}}'), new RegExp(ref))
  const log = await cli(namespace.env, ['buildx', 'history', 'logs', ref])
  assert.match(log.stdout + log.stderr, new RegExp(word))
  assert.match(await run('buildx', 'history', 'inspect', ref), /slsa.dev\/provenance/)
  assert.doesNotMatch(await docker(other.env, ['buildx', 'history', 'ls']), new RegExp(ref))
  assert.notEqual((await cli(other.env, ['buildx', 'history', 'logs', ref])).status, 0)
  await run('buildx', 'history', 'rm', ref)
  assert.doesNotMatch(await run('buildx', 'history', 'ls', '--format', '{{.Ref}}'), new RegExp(ref))
})

test('buildx tells of the builder', async () => {
  assert.match(await run('buildx', 'ls'), /default.*\n.*running.*linux\/amd64/)
  assert.match(await run('buildx', 'inspect'), /Driver: +docker\n/)
})

test('what fails is told as by an engine: the step, and where it is in the Dockerfile', async () => {
  const stderr = await fails('build', dockerfile('FROM busybox\nRUN echo before\nRUN exit 7'))
  assert.match(stderr, /process "\/bin\/sh -c exit 7" did not complete successfully: exit code: 7/)
  assert.match(stderr, /3 \| >>> RUN exit 7/)
  assert.match(await fails('build', dockerfile('FROM busybox\nNONSENSE')), /unknown instruction: NONSENSE/)
})

test('a Dockerfile of any size that fails is told with its reason', async () => {
  const comment = `# ${'x'.repeat(100)}\n`
  for (const lines of [300, 600, 5_000]) {
    const large = `FROM busybox\n${comment.repeat(lines)}`
    assert.match(await fails('build', dockerfile(`${large}RUN exit 7`)), /failed to solve: process "\/bin\/sh -c exit 7" did not complete successfully: exit code: 7/)
    // buildx has other words when the engine takes five seconds to say so.
    assert.match(await fails('build', dockerfile(`${large}NONSENSE`)), new RegExp(`failed to (solve|run Build function): dockerfile parse error on line ${lines + 2}: unknown instruction: NONSENSE`))
  }
  assert.doesNotMatch(await run('buildx', 'history', 'ls'), /moorage/)
})

test('checks and outlines are answered without building', async () => {
  assert.match(await run('build', '--call', 'targets', dockerfile('FROM busybox AS one\nFROM one AS two')), /one[\s\S]*two \(default\)/)
  assert.match(await run('build', '--check', dockerfile('FROM busybox\nRUN true')), /no warnings/)
})
