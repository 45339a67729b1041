import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { cli, clientEnvironment, docker } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { dockerPath, versions } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { recordingProxy, type RecordingProxy } from '../setup/recording-proxy.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

for (const version of versions) {
  describe(`clients and gateways that end early, Engine ${version}`, () => {
    let engine: Engine
    let proxy: RecordingProxy
    let gateway: Gateway
    let namespace: Namespace
    const started = new Set<ChildProcess>()

    /** A client that goes on until it is ended. */
    const client = (...args: string[]) => {
      const child = spawn(dockerPath(version), args, { env: clientEnvironment(namespace.env), stdio: ['pipe', 'pipe', 'ignore'] })
      started.add(child.once('exit', () => started.delete(child)))
      return child
    }
    /** How many requests of that path have an answer that has not ended, at the engine. */
    const open = (path: RegExp) => proxy.open().filter((one) => path.test(one.path)).length

    before(async () => {
      engine = await sharedEngine(version)
      proxy = await recordingProxy(engine.socket)
      gateway = await startGateway({ engineSocket: proxy.socket, config: { images: { shared: ['busybox:latest'] } } })
      namespace = await gateway.open()
      await docker(namespace.env, ['run', '-d', '--init', '--name', 'box', 'busybox', 'sh', '-c', 'while :; do echo tick; sleep 0.2; done'])
    })
    after(async () => {
      for (const child of started) child.kill('SIGKILL')
      await gateway.moorage(['close', '--all'])
      await gateway.stop()
      proxy.stop()
    })

    for (const [what, args, path] of [
      ['logs -f', ['logs', '-f', 'box'], /\/logs/], ['attach', ['attach', '--sig-proxy=false', 'box'], /\/attach/], ['wait', ['wait', 'box'], /\/wait/],
      ['exec', ['exec', 'box', 'sh', '-c', 'while :; do echo tick; sleep 0.2; done'], /\/exec\/\w+\/start/], ['stats', ['stats', 'box'], /\/stats/],
    ] as const) {
      for (const signal of ['SIGINT', 'SIGKILL'] as const) {
        test(`docker ${what} that ends by ${signal} ends at the engine`, async () => {
          const child = client(...args)
          await until(() => open(path) > 0, 'the engine is asked', 60_000)
          const ended = once(child, 'exit')
          child.kill(signal)
          // CLI 20.10 waits for its container's end and not for signals.
          if (signal === 'SIGINT' && !await Promise.race([ended.then(() => true), new Promise((resolve) => setTimeout(resolve, 2000, false))])) child.kill('SIGKILL')
          await until(() => open(path) === 0, 'the engine\'s answer ends', 60_000)
        })
      }
    }

    test('a restarted gateway has its namespaces, containers and names again', async () => {
      await docker(namespace.env, ['volume', 'create', 'kept'])
      await docker(namespace.env, ['network', 'create', 'kept'])
      await docker(namespace.env, ['tag', 'busybox', 'kept:v1'])
      for (const end of [() => gateway.stop(), () => gateway.kill()]) {
        await end()
        await gateway.restart()
        assert.equal(await docker(namespace.env, ['exec', 'box', 'echo', 'here']), 'here')
        assert.match(await docker(namespace.env, ['logs', '--tail', '1', 'box']), /tick/)
        assert.equal(await docker(namespace.env, ['volume', 'ls', '-q']), 'kept')
        assert.match(await docker(namespace.env, ['network', 'ls', '--format', '{{.Name}}']), /^kept$/m)
        assert.equal(await docker(namespace.env, ['run', '--rm', '--network', 'kept', '-v', 'kept:/x', 'kept:v1', 'echo', 'works']), 'works')
        assert.match((await cli(namespace.env, ['create', '--name', 'box', 'busybox'])).stderr, /Conflict. The container name "\/box" is already in use/)
      }
    })

    test('a gateway that is killed in the middle of creates leaves nothing without an owner', async () => {
      for (let round = 0; round < 4; round++) {
        const from = proxy.requests.length
        const clients = Array.from({ length: 6 }, (_, index) => client('run', '-d', '--name', `made-${round}-${index}`, '-v', `made-${round}-${index}:/x`, '-v', '/anonymous', 'busybox', 'true'))
        const asked = () => proxy.requests.slice(from).filter(({ path }) => /\/(containers|volumes)\/create/.test(path)).length
        await until(() => asked() > round * 2, 'the engine is asked to create', 60_000)
        await gateway.kill()
        await Promise.all(clients.map((one) => one.exitCode ?? one.signalCode ?? once(one, 'exit')))
        await gateway.restart()
      }
      // What the engine makes after its gateway died is found a little later.
      const stored = async (...args: string[]) => (await engine.docker(...args)).split('\n').filter((name) => name.startsWith(`${namespace.id}.`)).map((name) => name.slice(17)).toSorted()
      const shown = async (...args: string[]) => (await docker(namespace.env, args)).split('\n').filter(Boolean).toSorted()
      const isAnonymous = (name: string) => /^[0-9a-f]{64}$/.test(name)
      const mounts = async () => {
        const all = (await engine.docker('ps', '-aq', '--filter', `name=^/${namespace.id}\\.`)).split('\n')
        return (await engine.docker('inspect', '-f', '{{range .Mounts}}{{.Name}} {{end}}', ...all)).split(/\s+/).filter(isAnonymous).toSorted()
      }
      let [has, sees] = [{}, {}]
      const agree = async () => {
        has = { containers: await stored('ps', '-a', '--format', '{{.Names}}'), volumes: await stored('volume', 'ls', '-q'), anonymous: await mounts() }
        const volumes = await shown('volume', 'ls', '-q')
        sees = { containers: await shown('ps', '-a', '--format', '{{.Names}}'), volumes: volumes.filter((name) => !isAnonymous(name)), anonymous: volumes.filter(isAnonymous) }
        return isDeepStrictEqual(has, sees)
      }
      await until(agree, 'what the engine has is the namespace\'s', 100_000).catch((error) => assert.deepEqual(sees, has, error))
      // A name that was only reserved is free again.
      for (const name of ['made-0-0', 'made-3-5']) await docker(namespace.env, ['rm', '-f', name]).then(() => docker(namespace.env, ['create', '--name', name, 'busybox']))
    })

    test('closing takes all of it away', async () => {
      await gateway.moorage(['close', namespace.id])
      assert.equal(await engine.docker('ps', '-aq', '--filter', `name=^/${namespace.id}\\.`), '')
      assert.equal(await engine.docker('volume', 'ls', '-q', '--filter', `name=^${namespace.id}\\.`), '')
      assert.equal(await engine.docker('network', 'ls', '-q', '--filter', `name=^${namespace.id}\\.`), '')
    })
  })
}
