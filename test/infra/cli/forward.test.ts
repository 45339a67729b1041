import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clientEnvironment } from '../../setup/cli.ts'
import { networkOf } from '../../setup/engine-directory.ts'
import type { Engine } from '../../setup/engine.ts'
import type { Gateway, Namespace } from '../../setup/gateway.ts'
import { importPython } from '../../setup/images.ts'
import { inside, type Inside } from '../../setup/inside.ts'
import { root } from '../../setup/paths.ts'
import { until } from '../../setup/processes.ts'
import { udpEcho, web } from '../../setup/servers.ts'
import { sharedEngine } from '../../setup/shared-engine.ts'

const program = join(root, 'infra/cli/start.ts')

describe('moorage forward', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-forward-'))
  let engine: Engine
  let machine: Inside
  let gateway: Gateway
  let ns: Namespace
  /** Ports of the test's own, so that files that run at one time do not meet: the network is the shared engine's. */
  const [first, second, taken] = [21080, 21081, 21082]

  before(async () => {
    engine = await sharedEngine('28.5')
    await importPython(engine)
    machine = inside(engine)
    gateway = await machine.gateway({ config: { images: { shared: ['busybox:latest', 'python:latest'] } } })
    ns = await gateway.open()
  })

  after(async () => {
    await gateway.moorage(['close', ns.id])
    await gateway.stop()
    rmSync(directory, { recursive: true })
  })

  const docker = (...args: string[]) => machine.docker(ns.env, args)

  /** Runs it beside the job, and answers what it has said so far. */
  function forwarding(env: Record<string, string>, ...words: string[]): { child: ChildProcess; said(): string } {
    let said = ''
    const child = spawn('nsenter', [`--net=/run/netns/${networkOf(engine.directory).name}`, 'setpriv', '--pdeathsig', 'KILL', process.execPath, program, 'forward', ...words],
      { env: clientEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => { said += text })
    return { child, said: () => said }
  }

  async function ended({ child }: { child: ChildProcess }): Promise<number | null> {
    if (child.exitCode === null) await once(child, 'exit')
    return child.exitCode
  }

  const get = (port: number, host = 'localhost') => machine.get(port, host)

  const refuses = (port: number) => machine.node(`(await import('node:net')).connect(${port}, '127.0.0.1').on('error', (error) => console.log(error.code)).on('connect', function () { this.destroy() })`)

  it('makes ports appear where the job wished them, of containers that run and that come later, until they stop', async () => {
    await docker('run', '-d', '--name', 'early', '-p', `${first}:80`, ...web('early'))
    const forward = forwarding(ns.env)
    await until(() => forward.said().includes(`localhost:${first} leads to 80/tcp of early`), 'the port of a running container appears', 60_000)
    assert.deepEqual(await Promise.all([get(first), get(first, '127.0.0.1')]), ['early', 'early'])
    await docker('run', '-d', '--name', 'later', '-p', `${second}:80`, ...web('later'))
    assert.equal(await get(second), 'later')
    await docker('restart', '-t', '0', 'later')
    assert.equal(await get(second), 'later')
    await docker('rm', '-f', 'early', 'later')
    await until(async () => await refuses(second) === 'ECONNREFUSED', 'the port of a removed container goes', 60_000)
    forward.child.kill('SIGTERM')
    assert.equal(await ended(forward), 0)
  })

  it('forwards UDP', async () => {
    await docker('run', '-d', '--name', 'dns', '-p', `${first}:5353/udp`, ...udpEcho)
    const forward = forwarding(ns.env)
    assert.equal(await machine.node(`
      const socket = (await import('node:dgram')).createSocket('udp4')
      const repeat = setInterval(() => socket.send('ping', ${first}, '127.0.0.1'), 100)
      setTimeout(() => process.exit(1), 60_000).unref()
      socket.on('message', (data) => { console.log(String(data)); clearInterval(repeat); socket.close() })`), 'ping')
    forward.child.kill('SIGTERM')
    await ended(forward)
    await docker('rm', '-f', 'dns')
  })

  it('runs a command meanwhile and ends with its exit code', async () => {
    await docker('run', '-d', '--name', 'web', '-p', `${first}:80`, ...web('web'))
    const script = `const answer = await (await fetch('http://localhost:${first}/')).text(); console.log('got', answer.trim()); process.exit(7)`
    const forward = forwarding(ns.env, '--', process.execPath, '--input-type=module', '-e', script)
    assert.equal(await ended(forward), 7, forward.said())
    assert.match(forward.said(), /got web/)
    const missing = forwarding(ns.env, 'no-such-program')
    assert.equal(await ended(missing), 1)
    assert.match(missing.said(), /no-such-program cannot be run/)
    await docker('rm', '-f', 'web')
  })

  it('says which port it cannot have, and leaves alone what the gateway on this machine has already', async () => {
    const holder = spawn('nsenter', [`--net=/run/netns/${networkOf(engine.directory).name}`, process.execPath, '-e', `require('net').createServer().listen(${taken}, '127.0.0.1')`])
    await until(async () => await refuses(taken) === '', 'the port is taken', 60_000)
    await docker('run', '-d', '--name', 'web', '-p', `${taken}:80`, '-p', '81', ...web('web'))
    const forward = forwarding(ns.env)
    await until(() => forward.said().includes(`localhost:${taken} is in use on this machine, so 80/tcp of web is only at port`), 'it tells', 60_000)
    assert.doesNotMatch(forward.said(), /81\/tcp/)
    forward.child.kill('SIGINT')
    assert.equal(await ended(forward), 0)
    holder.kill('SIGKILL')
    await docker('rm', '-f', 'web')
  })

  it('works with a namespace on a unix socket, goes on when the gateway is back, and ends with the namespace', async () => {
    const path = join(directory, 'job.sock')
    const own = await gateway.open('--unix', path)
    await machine.docker(own.env, ['run', '-d', '--name', 'web', '-p', `${second}:80`, ...web('by socket')])
    const forward = forwarding(own.env)
    assert.equal(await get(second), 'by socket')
    await gateway.restart()
    assert.equal(await get(second), 'by socket')
    await machine.docker(own.env, ['run', '-d', '--name', 'other', '-p', `${first}:80`, ...web('other')])
    assert.equal(await get(first), 'other')
    await gateway.moorage(['close', own.id])
    forward.child.kill('SIGTERM')
    assert.equal(await ended(forward), 0)

    const closing = await gateway.open('--out', join(directory, 'closing'))
    const followed = forwarding(closing.env)
    await machine.docker(closing.env, ['run', '-d', '-p', `${second}:80`, ...web('last')])
    assert.equal(await get(second), 'last')
    await gateway.moorage(['close', closing.id])
    assert.equal(await ended(followed), 0, followed.said())
  })

  it('says what is wrong with its environment', async () => {
    const unset = forwarding({ DOCKER_HOST: 'tcp://127.0.0.1:1', DOCKER_CERT_PATH: '/nowhere' })
    assert.equal(await ended(unset), 2)
    assert.match(unset.said(), /DOCKER_HOST and DOCKER_CERT_PATH cannot be used: .*\/nowhere.*moorage open/)
    const away = forwarding({ DOCKER_HOST: 'tcp://127.0.0.1:1' })
    assert.equal(await ended(away), 1)
    assert.match(away.said(), /cannot be reached \(.*ECONNREFUSED.*moorage open/)
    const closed = await gateway.open('--out', join(directory, 'closed'))
    await gateway.moorage(['close', closed.id])
    const refused = forwarding(closed.env)
    assert.equal(await ended(refused), 3)
    assert.match(refused.said(), /is closed/)
  })
})
