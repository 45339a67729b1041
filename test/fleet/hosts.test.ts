import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { docker } from '../setup/cli.ts'
import { startEngine, type Engine, type OwnEngine } from '../setup/engine.ts'
import { call, held, operate } from '../setup/farm.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { importBusybox } from '../setup/images.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'
import { tlsProxy, type TlsProxy } from '../setup/tls-proxy.ts'

/** A pool of two real engines: `safe`, which others share, and `weak`, which comes at run time, hangs, dies and returns. */
describe('a pool of hosts', () => {
  let [safe, weak, proxy, gateway] = [] as unknown as [Engine, OwnEngine, TlsProxy, Gateway]
  const directory = mkdtempSync(join(tmpdir(), 'moorage-hosts-'))
  before(async () => {
    ;[safe, weak] = await Promise.all([sharedEngine('28.5'), startEngine({ daemon: { icc: false } })])
    await importBusybox(weak)
    proxy = await tlsProxy(weak.socket)
    for (const [name, text] of Object.entries({ ca: proxy.ca, cert: proxy.client.cert, key: proxy.client.key })) writeFileSync(join(directory, name), text)
    gateway = await startGateway({
      config: {
        hosts: [{ name: 'safe', url: `unix://${safe.socket}`, memory: 1000 * 2 ** 20, cpus: 100 }],
        images: { shared: ['busybox:latest'] }, probe: { every: 0.5, patience: 8 }, admission: { entitlements: 'warn' },
        policies: { half: { limits: { memory: 500 * 2 ** 20 } } },
      },
    })
  })
  after(async () => {
    await gateway?.stop()
    proxy?.stop()
    weak?.stop()
    rmSync(directory, { recursive: true })
  })

  const host = async (name: string) => (await operate(gateway, 'GET', '/hosts')).json.find((one: any) => one.name === name)
  const hostOf = async ({ id }: Namespace) => (await operate(gateway, 'GET', '/namespaces')).json.find((one: any) => one.id === id)?.host
  const add = (...flags: string[]) => gateway.moorage(['hosts', 'add', 'weak', proxy.url, ...flags])
  const openOn = async (name: string): Promise<Namespace> => {
    const other = name === 'weak' ? 'safe' : 'weak'
    await gateway.moorage(['hosts', 'drain', other])
    try {
      const namespace = await gateway.open()
      assert.equal(await hostOf(namespace), name)
      return namespace
    } finally {
      await gateway.moorage(['hosts', 'resume', other])
    }
  }

  it('learns of an engine over TCP with mutual TLS while it runs, and tells what it lacks', async () => {
    assert.equal((await add()).status, 0)
    await until(async () => !(await host('weak')).up, 'Without certificates it stays away', 60_000)
    assert.equal((await gateway.moorage(['hosts', 'remove', 'weak'])).stdout, 'Removed host weak\n')
    const added = await add('--tls-ca', join(directory, 'ca'), '--tls-cert', join(directory, 'cert'), '--tls-key', join(directory, 'key'), '--memory', '1000m', '--cpus', '100')
    assert.equal(added.status, 0, added.stderr)
    assert.match((await add()).stderr, /there is a host weak already/)
    await until(async () => (await host('weak')).up, 'The host is there', 60_000)
    const { stdout, stderr } = await gateway.moorage(['hosts', 'list'])
    assert.match(stdout, /^weak +tcp:\/\/127\.0\.0\.1:\d+ +up +28\.5\.\d+ +0 +0 B of 1000 MiB +0 of 100$/m)
    assert.match(stderr, /safe: build steps of different namespaces reach each other on docker0; in daemon\.json: "icc": false/)
    assert.doesNotMatch(stderr, /weak:/)
    assert.match(gateway.log(), /Warning about host safe: build steps/)
  })

  it('serves namespaces there, streams included', async () => {
    const namespace = await openOn('weak')
    await docker(namespace.env, ['run', '-d', '--name', 'db', 'busybox', 'sleep', '1000'])
    assert.equal(await docker(namespace.env, ['exec', '-i', 'db', 'cat'], { input: 'through' }), 'through')
    assert.match(await weak.docker('ps', '--format', '{{.Names}}'), new RegExp(`${namespace.id}\\.db`))
    assert.match((await gateway.moorage(['hosts', 'remove', 'weak'])).stderr, new RegExp(`1 namespaces live on host weak; .*${namespace.id}`))
    assert.match((await gateway.moorage(['hosts', 'remove', 'safe'])).stderr, /host safe is in this gateway's config file/)
    await gateway.moorage(['close', namespace.id])
  })

  it('places by what is reserved, and never more than there is', async () => {
    const opened = await Promise.all(Array.from({ length: 4 }, () => gateway.open('--policy', 'half')))
    const homes = await Promise.all(opened.map(hostOf))
    assert.deepEqual(homes.sort(), ['safe', 'safe', 'weak', 'weak'])
    const refused = await gateway.moorage(['open', '--policy', 'half'])
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /no host has room for 500 MiB of memory \(safe, weak\)/)
    await gateway.moorage(['close', opened[0]!.id])
    opened[0] = await gateway.open('--policy', 'half')
    for (const { id } of opened) await gateway.moorage(['close', id])
    assert.equal((await host('weak')).memory.reserved, 0)
  })

  it('places nothing on a drained host, and what lives there goes on', async () => {
    const namespace = await openOn('weak')
    assert.match((await gateway.moorage(['hosts', 'drain', 'weak'])).stdout, /up, drained/)
    for (let at = 0; at < 3; at++) assert.equal(await hostOf(await gateway.open()), 'safe')
    await docker(namespace.env, ['run', '--rm', 'busybox', 'true'])
    await gateway.restart()
    assert.equal((await host('weak')).drained, true)
    await gateway.moorage(['hosts', 'resume', 'weak'])
    await gateway.moorage(['close', '--all'])
  })

  it('answers 503 naming a host that hangs, places elsewhere, and goes on when it does', async () => {
    await until(async () => (await host('weak')).up, 'The host is there', 60_000)
    const namespace = await openOn('weak')
    await docker(namespace.env, ['run', '-d', '--name', 'db', 'busybox', 'sleep', '1000'])
    weak.signal('SIGSTOP')
    try {
      // A call that hangs with the engine gets its answer too.
      const hanging = await call(gateway, namespace, 'GET', '/containers/db/json')
      assert.equal(hanging.status, 503, hanging.text)
      assert.match(hanging.json.message, /^host weak does not answer \(ETIMEDOUT\); the namespace continues when the engine is back$/)
      assert.equal((await call(gateway, namespace, 'GET', '/containers/json')).status, 503)
      assert.equal(await hostOf(await gateway.open()), 'safe')
      assert.match((await gateway.moorage(['hosts', 'list'])).stdout, /^weak .* away \(ETIMEDOUT\)/m)
    } finally {
      weak.signal('SIGCONT')
    }
    await until(async () => (await call(gateway, namespace, 'GET', '/containers/db/json')).status === 200, 'The namespace continues', 60_000)
    assert.equal(await docker(namespace.env, ['exec', 'db', 'echo', 'alive']), 'alive')
    await gateway.moorage(['close', namespace.id])
  })

  it('closes a namespace whose host is away once the host is back, and knows what happened meanwhile', async () => {
    const [doomed, kept] = [await openOn('weak'), await openOn('weak')]
    for (const { env } of [doomed, kept]) await docker(env, ['run', '-d', '--name', 'db', '--restart', 'always', 'busybox', 'sleep', '1000'])
    await weak.kill()
    await until(async () => !(await host('weak')).up, 'The loss is noticed', 60_000)
    const closed = await gateway.moorage(['close', doomed.id])
    assert.equal(closed.status, 0)
    assert.match(closed.stdout, /nothing left to remove\n.*the gateways go on with host weak does not answer/)
    await weak.start()
    await until(async () => !(await operate(gateway, 'GET', '/namespaces')).text.includes(doomed.id), 'The namespace ends', 90_000)
    assert.equal(await weak.docker('ps', '-aq', '--filter', `name=${doomed.id}`), '')
    await until(async () => (await docker(kept.env, ['ps', '--format', '{{.Names}}'])) === 'db', 'The other continues', 60_000)
    await gateway.moorage(['close', kept.id])
  })

  it('does not wait for what is busy, and removes it later', async () => {
    const namespace = await openOn('weak')
    await docker(namespace.env, ['network', 'create', 'net'])
    // Somebody on the host holds the network.
    await weak.docker('run', '-d', '--name', 'holder', '--network', `${namespace.id}.net`, 'busybox', 'sleep', '1000')
    await weak.docker('volume', 'create', `${namespace.id}.held`)
    await weak.docker('run', '-d', '--name', 'volume-holder', '-v', `${namespace.id}.held:/v`, 'busybox', 'sleep', '1000')
    const direct = held(namespace)
    const { stdout } = await gateway.moorage(['close', namespace.id])
    assert.match(stdout, /removed 1 network \(net\)\n/)
    assert.match(stdout, /go on with volume held \(.*volume is in use/)
    assert.equal((await call(gateway, direct, 'GET', '/containers/json')).status, 403)
    await weak.docker('rm', '-f', 'holder', 'volume-holder')
    await until(async () => !(await operate(gateway, 'GET', '/namespaces')).text.includes(namespace.id), 'It is swept', 90_000)
    assert.equal(await weak.docker('volume', 'ls', '-q', '--filter', `name=${namespace.id}`), '')
  })

  it('refuses a host that lacks what the operator insists on', async () => {
    const strict = await startGateway({ engineSocket: safe.socket, config: { admission: { icc: 'refuse' } } })
    try {
      const { status, stderr } = await strict.moorage(['open'])
      assert.equal(status, 1)
      assert.match(stderr, /no host takes namespaces: host engine is not admitted: build steps of different namespaces reach each other on docker0 \(in daemon\.json: "icc": false\)/)
      assert.match(strict.log(), /Host engine takes no namespaces/)
    } finally {
      await strict.stop()
    }
  })

  it('asks an engine whether it grants builds the host\'s network', async () => {
    const open = await startEngine({ daemon: { builder: {} } })
    try {
      assert.equal((await gateway.moorage(['hosts', 'add', 'open', `unix://${open.socket}`])).status, 0)
      await until(async () => (await host('open')).up, 'The host is there', 60_000)
      await until(async () => (await host('open')).lacks.some((one: any) => one.check === 'entitlements'), 'It is told', 60_000)
      assert.ok(!(await host('safe')).lacks.some((one: any) => one.check === 'entitlements'))
      await gateway.moorage(['hosts', 'remove', 'open'])
    } finally {
      open.stop()
    }
  })
})
