import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { dockerfile } from '../setup/build-context.ts'
import { cli, clientEnvironment, docker } from '../setup/cli.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { dockerPath } from '../setup/paths.ts'
import { allPids, until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

let gateway: Gateway
let namespace: Namespace

before(async () => {
  const engine = await sharedEngine('28.5')
  gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] } } })
  namespace = await gateway.open()
})
after(() => gateway.stop())

/** The process with that argument, anywhere on the machine; steps of builds are seen from outside. */
function sleeper(argument: string): number | undefined {
  return allPids().find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, 2).join(' ') === `sleep ${argument}`
    } catch {
      return false
    }
  })
}

const runs = (argument: string) => sleeper(argument) !== undefined

/** A build whose step sleeps until it is ended, and the number it sleeps by. */
async function sleeping(...args: string[]) {
  const seconds = String(randomInt(1_000_000, 2_000_000_000))
  const child = spawn(dockerPath('28.5'), ['build', ...args, dockerfile(`FROM busybox\nRUN sleep ${seconds} || [ $? = 138 ]`)], { env: clientEnvironment(namespace.env), stdio: 'ignore' })
  await until(() => runs(seconds) || child.exitCode !== null, 'The step runs', 60_000)
  assert.equal(child.exitCode, null)
  return { child, seconds, ended: once(child, 'exit') }
}

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`a build whose client ends by ${signal} ends with it, and the next one works`, async () => {
    const { child, seconds, ended } = await sleeping('-t', 'cancelled')
    child.kill(signal)
    await ended
    await until(() => !runs(seconds), 'The step has ended', 60_000)
    assert.equal(await docker(namespace.env, ['images', '-q', 'cancelled']), '')
    await docker(namespace.env, ['build', '-q', dockerfile(`FROM busybox\nRUN echo ${seconds}`)], { timeout: 60_000 })
  })
}

test('a namespace that is closed ends its builds', async () => {
  const { child, seconds, ended } = await sleeping()
  const { status } = await gateway.moorage(['close', namespace.id])
  assert.equal(status, 0)
  await ended
  assert.notEqual(child.exitCode, 0)
  await until(() => !runs(seconds), 'The step has ended', 60_000)
  assert.equal((await cli(namespace.env, ['images'])).status, 1)
})

test('a gateway that is told to end lets a build finish', async () => {
  namespace = await gateway.open()
  const { child, seconds, ended } = await sleeping('-t', 'finished')
  const stopped = gateway.stop()
  await until(() => gateway.log().includes('Stopping'), 'The gateway is about to end', 60_000)
  process.kill(sleeper(seconds)!, 'SIGUSR1')
  await ended
  assert.equal(child.exitCode, 0)
  await stopped
  await gateway.restart()
  assert.match(await docker(namespace.env, ['images', '-q', 'finished']), /^[0-9a-f]{12}$/)
})
