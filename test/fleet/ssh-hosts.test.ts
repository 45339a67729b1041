import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { dockerfile } from '../setup/build-context.ts'
import { docker } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import { call, operate } from '../setup/farm.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { allPids, isAlive, parentOf, until } from '../setup/processes.ts'
import { startRegistry } from '../setup/registry.ts'
import { sharedEngine } from '../setup/shared-engine.ts'
import { startSshd, type Sshd } from '../setup/sshd.ts'

/** A real sshd, through which the system's ssh client reaches the docker client on the engine's machine. */
describe('a host behind ssh', () => {
  let [engine, sshd, gateway] = [] as unknown as [Engine, Sshd, Gateway]
  const host = async (name: string) => (await operate(gateway, 'GET', '/hosts')).json.find((one: any) => one.name === name)

  before(async () => {
    engine = await sharedEngine('28.5')
    sshd = await startSshd(engine)
    gateway = await startGateway({ env: sshd.env, config: { hosts: [{ name: 'far', url: sshd.url }], images: { shared: ['busybox:latest'] }, probe: { every: 0.5, patience: 20 } } })
  })
  after(async () => {
    await gateway?.stop()
    await sshd?.stop()
  })

  it('serves calls, hijacked streams, builds, pulls and events', async () => {
    const namespace = await gateway.open()
    const { env } = namespace
    await docker(env, ['run', '-d', '--name', 'db', 'busybox', 'sh', '-c', 'echo begun; exec sleep 1000'])
    assert.equal(await docker(env, ['exec', '-i', 'db', 'cat'], { input: 'through exec' }), 'through exec')
    assert.equal(await docker(env, ['run', '-i', '--rm', '--name', 'attached', 'busybox', 'sh', '-c', 'cat; echo ended'], { input: 'through attach, ' }), 'through attach, ended')
    assert.equal(await docker(env, ['logs', 'db']), 'begun')
    const large = 'x'.repeat(3_000_000)
    assert.equal(await docker(env, ['exec', '-i', 'db', 'cat'], { input: large }), large)
    await docker(env, ['build', '-q', '-t', 'app', dockerfile('FROM busybox\nRUN echo built > /made')], { timeout: 120_000 })
    assert.equal(await docker(env, ['run', '--rm', 'app', 'cat', '/made'], { timeout: 120_000 }), 'built')
    const registry = await startRegistry(engine)
    const image = await registry.push('busybox:latest', 'team/by-ssh:1')
    await docker(env, ['pull', '-q', image], { timeout: 120_000 })
    registry.stop()
    const told = () => docker(env, ['events', '--since', '0', '--until', String(Math.floor(Date.now() / 1000)), '--format', '{{.Action}} {{.Actor.Attributes.name}}'])
    await until(async () => /die attached\n/.test(await told()), 'Events have come')
    await gateway.moorage(['close', namespace.id])
  })

  it('serves more streams at a time than an sshd lets into one login', async () => {
    const namespace = await gateway.open()
    await docker(namespace.env, ['run', '-d', '--name', 'db', 'busybox', 'sleep', '1000'])
    const waits = Array.from({ length: 20 }, () => call(gateway, namespace, 'POST', '/containers/db/wait'))
    const names = await Promise.all(Array.from({ length: 12 }, (_, at) => docker(namespace.env, ['exec', 'db', 'echo', String(at)], { timeout: 120_000 })))
    assert.deepEqual(names, Array.from({ length: 12 }, (_, at) => String(at)))
    await docker(namespace.env, ['kill', 'db'])
    assert.deepEqual((await Promise.all(waits)).map(({ text }) => text.trim()), Array.from({ length: 20 }, () => '{"StatusCode":137}'))
    await gateway.moorage(['close', namespace.id])
  })

  it('tells in the list of hosts what ssh has said', async () => {
    const cases: [name: string, url: string, away: RegExp][] = [
      ['stranger', sshd.url.replace('captain', 'stranger'), /^ssh: .*Permission denied \(publickey\)/],
      ['nowhere', sshd.url.replace(/\d+$/, '1'), /^ssh: .*Connection refused/],
      ['engineless', `${sshd.url}/no/docker.sock`, /^ssh: .*no\/docker\.sock/],
    ]
    for (const [name, url] of cases) assert.equal((await operate(gateway, 'POST', '/hosts', { name, url })).status, 201)
    for (const [name, , away] of cases) {
      await until(async () => away.test((await host(name)).away), `Host ${name} is away for the reason ${away}`)
    }
    const path = await operate(gateway, 'POST', '/hosts', { name: 'named', url: `${sshd.url}${engine.socket}` })
    assert.equal(path.status, 201, path.text)
    await until(async () => (await host('named')).up, 'An engine is found by the path of its socket')
    for (const name of [...cases.map(([one]) => one), 'named']) await gateway.moorage(['hosts', 'remove', name])
  })

  it('answers 503 with the reason while no login is possible, and continues when one is', async () => {
    const namespace = await gateway.open()
    await docker(namespace.env, ['run', '-d', '--name', 'db', 'busybox', 'sleep', '1000'])
    await sshd.kill()
    await until(async () => /^ssh: .*Connection refused/.test((await host('far')).away), 'The loss is noticed')
    const refused = await call(gateway, namespace, 'GET', '/containers/json')
    assert.equal(refused.status, 503)
    assert.match(refused.json.message, /^host far does not answer \(ssh: .*Connection refused\); the namespace continues/)
    sshd.know(false)
    await sshd.start()
    await until(async () => /^ssh: Host key verification failed/.test((await host('far')).away), 'An sshd that is not known is not trusted')
    sshd.know(true)
    await until(async () => (await call(gateway, namespace, 'GET', '/containers/json')).status === 200, 'The namespace continues')
    assert.equal(await docker(namespace.env, ['exec', 'db', 'echo', 'alive']), 'alive')
    await gateway.moorage(['close', namespace.id])
  })

  it('leaves no ssh behind when the gateway ends', async () => {
    const clients = () => allPids().filter((pid) => isAlive(pid) && readOr(`/proc/${pid}/environ`).includes(`PATH=${sshd.env.PATH}`) && parentOf(pid) !== process.pid)
    assert.ok(clients().length > 0)
    await gateway.stop()
    await until(() => clients().length === 0, 'Every ssh has ended')
  })
})

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
