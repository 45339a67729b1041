import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { docker } from '../setup/cli.ts'
import { command, must } from '../setup/command.ts'
import type { Engine } from '../setup/engine.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { busyboxTar, nodeTar } from '../setup/images.ts'
import { inside } from '../setup/inside.ts'
import { root } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

describe('the package', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-package-'))
  const clean = join(directory, 'clean')
  const program = join(clean, 'node_modules/moorage/infra/cli/main.js')
  /** The machine's Node as an image that the operator shares, in place of the official one. */
  const base = 'node-of-test:latest'
  let engine: Engine
  let gateway: Gateway

  before(async () => {
    must('npm', ['pack', '--pack-destination', directory], { cwd: root })
    const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))
    mkdirSync(clean)
    must('npm', ['init', '-y'], { cwd: clean })
    // Node comes with the machine here: its install script is not what is tested.
    must('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', join(directory, String(tarball))], { cwd: clean })
    engine = await sharedEngine('28.5')
    await engine.docker('import', '-c', 'ENV PATH=/usr/local/bin:/bin', nodeTar(), base)
    gateway = await startGateway({ engineSocket: engine.socket, program, flags: ['--shared-image', 'busybox:latest', '--shared-image', base] })
  })
  after(async () => {
    await gateway.stop()
    await engine.docker('rmi', '--force', base)
    rmSync(directory, { recursive: true, force: true })
  })

  test('is installed in a clean directory as `npx moorage`', () => {
    assert.match(must(join(clean, 'node_modules/.bin/moorage'), ['--version']), /^\d+\.\d+\.\d+\n$/)
  })

  test('holds no sources of tests and nothing that only a checkout needs', () => {
    assert.deepEqual(readdirSync(join(clean, 'node_modules/moorage')).filter((name) => ['test', 'functions', 'lib', '.ci'].includes(name)), [])
  })

  test('serves a namespace to docker', async () => {
    const { env } = await gateway.open()
    assert.equal(await docker(env, ['run', '--rm', 'busybox', 'echo', 'from the package']), 'from the package')
  })

  test('says which Node it needs when it is run by an older one that has no newer among its dependencies', async () => {
    const old = ['-e', `Object.defineProperty(process.versions, 'node', { value: '20.0.0' }); import(${JSON.stringify(program)})`]
    const { status, stderr } = await command(process.execPath, old, { cwd: clean, env: { ...process.env, NODE_PATH: '' } })
    assert.equal(status, 2)
    assert.match(stderr, /^moorage needs Node 22\.19 or newer, this is 20\.0\.0/)
  })

  test('becomes an image by a build in a namespace of its own, which compose runs as nobody, without capabilities and read-only, and which serves', async (t) => {
    const { env } = await gateway.open()
    const [job, machine] = [(...args: string[]) => docker(env, args, { timeout: 300_000 }), inside(engine)]
    await job('build', '--file', join(root, 'infra/deploy/Dockerfile'), '--build-arg', `BASE=${base}`, '--tag', 'moorage', clean)
    // The operator of this engine gives it a name that outlives the namespace.
    await engine.docker('tag', await job('images', '--quiet', '--no-trunc', 'moorage'), 'moorage-of-test')
    t.after(() => engine.docker('rmi', 'moorage-of-test'))

    const operator = {
      DOCKER_HOST: `unix://${engine.socket}`, DOCKER_SOCKET: engine.socket, DOCKER_GROUP: String(statSync(engine.socket).gid),
      MOORAGE_IMAGE: 'moorage-of-test', MOORAGE_NAMES: 'localhost,127.0.0.1', MOORAGE_PORT: '0',
    }
    const compose = (...args: string[]) => machine.docker(operator, ['compose', '--project-name', 'moorage-of-test', '--file', join(root, 'infra/deploy/compose.yaml'), ...args])
    t.after(() => compose('down', '--volumes'))
    // Waits for the image's own health check.
    await compose('up', '--detach', '--wait')
    const ready = () => compose('exec', 'moorage', 'moorage', 'health', '--ready').then(() => true, () => false)
    await until(ready, 'The gateway in the container has found the engine')
    const status = await compose('exec', 'moorage', 'grep', '-E', '^(Uid|CapEff|CapBnd|NoNewPrivs):', '/proc/1/status')
    assert.deepEqual(status.split(/\s+/).filter((word) => /^\d/.test(word)), [...Array(4).fill('65532'), '0000000000000000', '0000000000000000', '1'])
    await assert.rejects(compose('exec', 'moorage', 'touch', '/opt/moorage/written'), /Read-only file system/)

    await compose('exec', 'moorage', 'moorage', 'open', '--out', '/tmp/job')
    await compose('exec', 'moorage', 'cp', '-r', '/tmp/job', '/var/lib/moorage/job')
    await compose('cp', 'moorage:/var/lib/moorage/job', join(directory, 'job'))
    const port = (await compose('port', 'moorage', '2376')).split(':').at(-1)
    const inner = { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(directory, 'job') }
    await machine.docker(inner, ['import', busyboxTar(), 'own'])
    assert.equal(await machine.docker(inner, ['run', '--rm', 'own', '/bin/busybox', 'echo', 'from the image']), 'from the image')
    assert.match(await compose('exec', 'moorage', 'moorage', 'close', '--all'), /removed/)
  })
})
