import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent } from 'node:https'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { namespaceToken } from '../../lib/names.ts'
import { cli, docker } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import { call, held, openDirectly, operate, socketOf, startFarm, through } from '../setup/farm.ts'
import type { Gateway } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { startRedis, type RedisServer } from '../setup/redis.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const create = { Image: 'busybox:latest', Cmd: ['sleep', '1000'] }

describe('two gateways on one Redis', () => {
  let [engine, redis, a, b] = [] as unknown as [Engine, RedisServer, Gateway, Gateway]
  before(async () => {
    ;[engine, redis] = await Promise.all([sharedEngine('28.5'), startRedis()])
    ;[a, b] = await startFarm(redis, engine, 2, {
      policies: { default: { limits: { containers: 5 } }, brief: { idle: 15 } },
    }) as [Gateway, Gateway]
  })
  after(async () => {
    await Promise.all([a?.stop(), b?.stop()])
    await redis?.stop()
  })
  const onEngine = async (ns: string) => (await engine.docker('ps', '-aq', '--filter', `name=${ns}`)).split('\n').filter(Boolean)

  it('have one authority and one operator\'s token', () => {
    for (const file of ['ca.pem', 'ca-key.pem', 'operator-token', 'secret']) {
      assert.equal(readFileSync(join(a.stateDir, file), 'utf8'), readFileSync(join(b.stateDir, file), 'utf8'))
    }
  })

  it('serve every request of a namespace at either of them', async () => {
    const namespace = await a.open('--label', 'both')
    const [first, second] = [namespace.env, through(b, namespace)]
    await docker(first, ['run', '-d', '--name', 'db', 'busybox', 'sleep', '1000'])
    assert.equal(await docker(second, ['exec', 'db', 'echo', 'there']), 'there')
    await docker(second, ['volume', 'create', 'data'])
    assert.equal(await docker(first, ['volume', 'ls', '-q']), 'data')
    await docker(second, ['rename', 'db', 'db2'])
    assert.equal(await docker(first, ['ps', '--format', '{{.Names}}']), 'db2')
    assert.equal((await b.moorage(['list'])).stdout.includes(namespace.id), true)
    assert.match((await b.moorage(['close', namespace.id])).stdout, /1 container \(db2\), 1 network \(bridge\), 1 volume \(data\)/)
    assert.deepEqual(await onEngine(namespace.id), [])
  })

  it('open no more for an opener than it may have, whichever of them it asks', async () => {
    const { token } = (await operate(a, 'POST', '/tokens', { name: 'capped', namespaces: 5, expires: 3600 })).json
    const open = (at: Gateway) => operate(at, 'POST', '/namespaces', {}, token)
    const opened = await Promise.all(Array.from({ length: 16 }, (_, at) => open(at % 2 === 0 ? a : b)))
    assert.deepEqual(opened.map(({ status }) => status).toSorted(), [...Array.from({ length: 5 }, () => 201), ...Array.from({ length: 11 }, () => 429)])
    assert.equal(opened.find(({ status }) => status === 429)?.json.message, 'token:capped has 5 namespaces, and may have no more at one time; close one, or try again when one has ended')
    const mine = opened.filter(({ status }) => status === 201).map(({ json }) => json.id as string)
    assert.equal((await operate(b, 'DELETE', `/namespaces/${mine.shift()}`)).status, 200)
    const again = await open(a)
    assert.deepEqual([again.status, (await open(b)).status], [201, 429])
    for (const id of [...mine, again.json.id]) await operate(b, 'DELETE', `/namespaces/${id}`)
  })

  it('ask Redis once for a plain call, and for the namespace\'s record at most once a second', async () => {
    const namespace = await openDirectly(a)
    assert.equal((await call(a, namespace, 'POST', '/containers/create?name=db', create)).status, 201)
    const asked: string[][] = []
    const client = new Redis(redis.url)
    const monitor = await client.monitor()
    monitor.on('monitor', (_time: string, args: string[], source: string) => { if (source !== 'lua' && args.some((arg) => arg.includes(namespace.id))) asked.push(args) })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const paths = ['/containers/db/json', '/containers/json?all=1', '/containers/db/top', '/volumes', '/networks', '/containers/db/logs?stdout=1']
    const began = Date.now()
    for (const path of paths) {
      for (let times = 0; times < 5; times++) await call(a, namespace, 'GET', path, undefined, agent)
    }
    const seconds = (Date.now() - began) / 1000
    // Whoever monitors hears of commands in their order, so of this one last.
    const heard = new Promise<void>((resolve) => monitor.on('monitor', (_time: string, args: string[]) => { if (args[1] === 'all-heard') resolve() }))
    await client.get('all-heard')
    await heard
    for (const one of [client, monitor]) one.disconnect()
    agent.destroy()
    const records = asked.filter(([command, key]) => command?.toLowerCase() === 'hgetall' && key === `moorage:{${namespace.id}}`)
    const claims = asked.filter((args) => args.some((arg) => arg.startsWith(`moorage:{${namespace.id}}:`)))
    // A look at everything on the host, which comes once a minute, asks for each kind of claims; a second round trip of every call would be thirty.
    const calls = paths.length * 5
    assert.ok(claims.length >= calls && claims.length <= calls + 20, claims.map((args) => args.join(' ').slice(0, 200)).join('\n'))
    assert.ok(records.length <= 2 + 3 * seconds, `${records.length} in ${seconds} s`)
    await operate(a, 'DELETE', `/namespaces/${namespace.id}`)
  })

  it('give a name once and keep one count, however they race', async () => {
    const namespace = await a.open()
    const same = await Promise.all(Array.from({ length: 8 }, (_, at) => call(at % 2 ? a : b, namespace, 'POST', '/containers/create?name=same', create)))
    assert.deepEqual(same.map(({ status }) => status).sort(), [201, ...Array.from({ length: 7 }, () => 409)])
    const many = await Promise.all(Array.from({ length: 12 }, (_, at) => call(at % 2 ? a : b, namespace, 'POST', `/containers/create?name=c${at}`, create)))
    assert.equal(many.filter(({ status }) => status === 201).length, 4, many.map(({ text }) => text).join(''))
    assert.equal(many.filter(({ status }) => status === 403).length, 8)
    assert.equal((await onEngine(namespace.id)).length, 5)
    const closed = await Promise.all([operate(a, 'DELETE', `/namespaces/${namespace.id}`), operate(b, 'DELETE', `/namespaces/${namespace.id}`)])
    // Who comes when all is over is told that there is no such namespace.
    for (const { status, text } of closed) assert.ok(status === 200 || status === 404, text)
    const removed = closed.flatMap(({ json }) => json.removed?.containers ?? [])
    assert.deepEqual(removed.sort(), [...new Set(removed)].sort())
    assert.equal(removed.length, 5)
    assert.deepEqual(await onEngine(namespace.id), [])
  })

  it('end the streams of a namespace that is closed at the other one', async () => {
    const namespace = await a.open()
    const direct = held(namespace)
    await docker(namespace.env, ['run', '-d', '--name', 'chatty', 'busybox', 'sh', '-c', 'echo hello; sleep 1000'])
    const logs = cli(through(b, namespace), ['logs', '-f', 'chatty'])
    const attached = cli(through(b, namespace), ['exec', 'chatty', 'sleep', '1000'])
    const idle = await socketOf(b, direct)
    idle.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(idle, 'data')
    const cut = once(idle.on('error', () => {}), 'close')
    await a.moorage(['close', namespace.id])
    assert.equal((await logs).stdout, 'hello\n')
    assert.notEqual((await attached).status, 0)
    await cut
    assert.match((await call(b, direct, 'GET', '/containers/json')).json.message, /is closed; open a new one/)
  })

  it('finish closing what the other one left when it was killed', async () => {
    const namespace = await a.open()
    await Promise.all(['one', 'two', 'three', 'four'].map((name) => docker(namespace.env, ['run', '-d', '--name', name, 'busybox', 'sleep', '1000'])))
    const closing = operate(a, 'DELETE', `/namespaces/${namespace.id}`).catch(() => {})
    await until(async () => (await operate(b, 'GET', '/namespaces')).json.find((one: any) => one.id === namespace.id)?.state !== 'open', 'Closing has begun', 60_000)
    await a.kill()
    await closing
    await until(async () => !(await operate(b, 'GET', '/namespaces')).text.includes(namespace.id), 'The other gateway finishes', 90_000)
    assert.deepEqual(await onEngine(namespace.id), [])
    await a.restart()
  })

  it('close what nobody uses, and not what has a connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const used = await openDirectly(a, { policy: 'brief' })
    assert.equal((await call(b, used, 'GET', '/_ping', undefined, agent)).status, 200)
    const unused = await openDirectly(a, { policy: 'brief' })
    const listed = async () => (await operate(b, 'GET', '/namespaces')).text
    await until(async () => !(await listed()).includes(unused.id), 'The unused namespace ends', 60_000)
    assert.ok((await listed()).includes(used.id))
    agent.destroy()
    await until(async () => !(await listed()).includes(used.id), 'The used one ends when its connection has', 60_000)
  })

  it('close what has lived long enough', async () => {
    const namespace = await openDirectly(a, { lifetime: 20 })
    assert.equal((await call(b, namespace, 'POST', '/volumes/create', { Name: 'data' })).status, 201)
    await until(async () => !(await operate(b, 'GET', '/namespaces')).text.includes(namespace.id), 'Its lifetime ends', 60_000)
    assert.equal(await engine.docker('volume', 'ls', '-q', '--filter', `name=${namespace.id}`), '')
  })

  it('finish what runs when they are stopped, and take no more', async () => {
    const [c] = await startFarm(redis, engine, 1, { drain: 60 }) as [Gateway]
    const namespace = await c.open()
    await docker(namespace.env, ['run', '-d', '--name', 'db', 'busybox', 'sh', '-c', 'until [ -e /go ]; do sleep 0.1; done; echo went; sleep 1000'])
    const stream = cli(namespace.env, ['exec', 'db', 'sh', '-c', 'echo begun; until [ -e /go ]; do sleep 0.1; done; echo done'])
    const wait = call(c, namespace, 'POST', '/containers/db/wait')
    await until(async () => (await docker(through(b, namespace), ['top', 'db'])).includes('echo begun'), 'The exec runs', 60_000)
    const idle = await socketOf(c, namespace)
    const idleEnds = once(idle.on('error', () => {}), 'close')
    const stopped = c.stop()
    await idleEnds
    await until(async () => socketOf(c, namespace).then((socket) => { socket.destroy(); return false }, () => true), 'No more connections', 60_000)
    await docker(through(b, namespace), ['exec', 'db', 'touch', '/go'])
    assert.equal((await stream).stdout, 'begun\ndone\n')
    await docker(through(b, namespace), ['kill', 'db'])
    assert.equal((await wait).json.StatusCode, 137)
    await stopped
    await b.moorage(['close', namespace.id])
  })
})

describe('control groups that are nobody\'s', () => {
  it('are looked for by one gateway, and by the other when that one has died', async () => {
    const [engine, redis] = await Promise.all([sharedEngine('28.5'), startRedis()])
    const [tending, other] = await startFarm(redis, engine, 2) as [Gateway, Gateway]
    try {
      const run = async () => {
        const namespace = await other.open()
        await docker(namespace.env, ['run', '-d', 'busybox', 'sleep', '1000'])
        return namespace
      }
      const { id } = await run()
      const dead = globSync(`/sys/fs/cgroup/{,*/}moorage/*/${id}`).map((directory) => directory.slice(0, -id.length) + namespaceToken(randomBytes(16)))
      assert.ok(dead.length > 0)
      for (const directory of dead) mkdirSync(directory)
      await other.restart()
      // Helpers run one after the other: what the gateway had in mind as it began has been done when the groups of two more namespaces are there.
      for (const _ of ['one', 'two']) await run()
      assert.ok(dead.every((directory) => existsSync(directory)))
      await tending.kill()
      await until(() => dead.every((directory) => !existsSync(directory)), 'The other gateway removes them', 120_000)
      for (const namespace of (await operate(other, 'GET', '/namespaces')).json) await operate(other, 'DELETE', `/namespaces/${namespace.id}`)
    } finally {
      await Promise.all([tending.stop(), other.stop()])
      await redis.stop()
    }
  })
})
