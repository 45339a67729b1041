import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cli, docker } from './setup/cli.ts'
import { must } from './setup/command.ts'
import { startEngine, type Engine, type OwnEngine } from './setup/engine.ts'
import { clearLeftovers, networkOf } from './setup/engine-directory.ts'
import { startGateway } from './setup/gateway.ts'
import { importBusybox } from './setup/images.ts'
import { install } from './setup/install.ts'
import { commonProgram, dockerPath, root, versions } from './setup/paths.ts'
import { allPids, isAlive, isRootedIn, mountsUnder, until } from './setup/processes.ts'
import { recordingProxy } from './setup/recording-proxy.ts'
import { credentials, startRegistry } from './setup/registry.ts'
import { sharedEngine } from './setup/shared-engine.ts'

for (const version of versions) {
  describe(`Engine ${version} of the tests`, () => {
    let engine: Engine
    let env: Record<string, string>
    before(async () => {
      engine = await sharedEngine(version)
      env = { DOCKER_HOST: `unix://${engine.socket}` }
    })

    test('is the version it says', async () => {
      assert.match(await engine.docker('version', '-f', '{{.Server.Version}}'), new RegExp(`^${RegExp.escape(version)}\\.`))
    })

    for (const client of versions) {
      test(`runs a container for CLI ${client}, whose input ends before its output`, async () => {
        assert.match(must(dockerPath(client), ['--version']), new RegExp(RegExp.escape(client)))
        const { status, stdout } = await cli(env, ['run', '--rm', '-i', 'busybox', 'sh', '-c', 'cat; echo end; exit 7'], { docker: client, input: 'begin\n' })
        assert.deepEqual({ status, stdout }, { status: 7, stdout: 'begin\nend\n' })
      })
    }

    test('has an init for containers, and limits', async () => {
      assert.equal(await docker(env, ['run', '--rm', '--init', '-m', '32m', 'busybox', 'sh', '-c', 'cat /proc/1/comm']), 'docker-init')
    })

    test('gives its clients compose and buildx', async () => {
      assert.match(await docker(env, ['compose', 'version']), /v?2\.\d/)
      assert.match(await docker(env, ['buildx', 'version']), /buildx/)
    })

    test('answers docker-py', () => {
      const script = 'import docker; print(docker.from_env().version()["Version"])'
      assert.match(must('/usr/bin/python3', ['-c', script], { env }), new RegExp(`^${RegExp.escape(version)}\\.`))
    })

    test('pushes to a registry of its own and pulls from it', async () => {
      const registry = await startRegistry(engine)
      const reference = await registry.push('busybox', 'some/thing:1')
      assert.match(await docker(env, ['run', '--rm', reference, 'echo', 'pulled'], { docker: '20.10' }), /pulled$/)
      await docker(env, ['rmi', reference])
      registry.stop()
    })

    test('reaches a registry that demands a login, with it and not without', async () => {
      const registry = await startRegistry(engine, { login: true })
      const ping = (user: string[]) => engine.enter(commonProgram('busybox'), ['wget', '-q', '-O', '-', ...user, `http://${registry.address}/v2/`])
      assert.notEqual((await ping([])).status, 0)
      const basic = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
      assert.equal((await ping(['--header', `Authorization: Basic ${basic}`])).stdout, '{}')
      registry.stop()
    })

    test('is recorded without its clients noticing, hijacked streams too', async () => {
      const proxy = await recordingProxy(engine.socket)
      const recorded = { DOCKER_HOST: `unix://${proxy.socket}` }
      assert.equal(await docker(recorded, ['run', '--rm', '-i', 'busybox', 'wc', '-c'], { input: 'x'.repeat(100_000) }), '100000')
      const create = proxy.requests.find(({ path }) => path.includes('/containers/create'))
      assert.deepEqual(JSON.parse(String(create?.body)).Cmd, ['wc', '-c'])
      const attach = proxy.requests.find(({ path }) => path.includes('/attach'))
      assert.equal(attach?.headers['upgrade'], 'tcp')
      assert.equal(attach.body.length, 100_000)
      await until(() => proxy.connections() === 0, 'the connections end')
      proxy.clear()
      assert.equal(proxy.requests.length + proxy.raw().length, 0)
      proxy.stop()
    })
  })
}

test('a gateway of the tests gives its clients a namespace, which is there after the gateway was killed', async () => {
  const { socket } = await sharedEngine('28.5')
  const gateway = await startGateway({ engineSocket: socket })
  const { env, certPath } = await gateway.open()
  assert.ok(existsSync(join(certPath, 'cert.pem')))
  assert.equal(await docker(env, ['ps', '-q']), '')
  await gateway.kill()
  await gateway.restart()
  assert.equal(await docker(env, ['ps', '-q']), '')
  const { status, stdout } = await gateway.moorage(['list', '--json'])
  assert.equal(status, 0)
  assert.equal(JSON.parse(stdout).length, 1)
  await gateway.stop()
})

test('a gateway ends with the process that started it, however that ends', async () => {
  const { socket } = await sharedEngine('28.5')
  const script = `import { startGateway } from './test/setup/gateway.ts'
    console.log((await startGateway({ engineSocket: '${socket}' })).pid)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  owner.stdout.setEncoding('utf8').on('data', (text) => { said += text })
  await until(() => said.includes('\n'), 'the gateway of another process starts')
  assert.ok(isAlive(Number(said)))
  owner.kill('SIGKILL')
  await until(() => !isAlive(Number(said)), 'the gateway ends')
})

describe('an engine of a test of its own', () => {
  let engine: OwnEngine
  before(async () => {
    engine = await startEngine({ version: '28.5' })
    await importBusybox(engine)
  })
  after(() => engine.stop())

  test('comes back with its data after a restart, and after it was killed', async () => {
    const id = await engine.docker('create', 'busybox')
    const first = engine.pid
    await engine.restart()
    await engine.kill()
    await engine.start()
    assert.notEqual(engine.pid, first)
    assert.equal(await engine.docker('ps', '-aq', '--no-trunc'), id)
  })

  test('leaves nothing when it is stopped, although a container runs', async () => {
    const id = await engine.docker('run', '-d', 'busybox', 'sleep', '1000')
    const network = networkOf(engine.directory).path
    assert.ok(existsSync(network) && mountsUnder(engine.directory).length > 0)
    assert.ok(allPids().some((pid) => isRootedIn(pid, engine.directory)))
    engine.stop()
    assert.deepEqual(mountsUnder(engine.directory), [])
    assert.ok(!allPids().some((pid) => isRootedIn(pid, engine.directory)))
    assert.ok(!existsSync(network) && !existsSync(engine.directory))
    assert.ok(!existsSync(`/sys/fs/cgroup/memory/docker/${id}`) && !existsSync(`/sys/fs/cgroup/docker/${id}`))
  })

  test('is cleared away by the next run when its owner was killed', async () => {
    const owner = spawn(process.execPath, ['test/setup/dev-engine.ts'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    owner.stdout.setEncoding('utf8').on('data', (text) => { said += text })
    await until(() => said.includes('# Engine'), 'the engine of another process starts', 60_000)
    const directory = String(/unix:\/\/(.*)\/docker\.sock/.exec(said)?.[1])
    const pid = Number(readFileSync(`${directory}/pid`, 'utf8'))
    owner.kill('SIGKILL')
    await until(() => owner.signalCode !== null, 'its owner dies')
    clearLeftovers()
    assert.ok(!existsSync(directory))
    assert.ok(!isAlive(pid))
  })
})

test('the set-up has nothing to do the second time', () => {
  assert.doesNotThrow(() => install())
})
