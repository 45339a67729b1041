import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cli, docker } from '../setup/cli.ts'
import { call, startFarm } from '../setup/farm.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { startRedis, type RedisServer } from '../setup/redis.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const config = {
  images: { shared: ['busybox:latest'] },
  policies: { default: { limits: { ports: 3, imageBytes: 100_000, containers: 5, volumes: 2, networks: 3 } } },
}

describe('the limits on what a namespace has', () => {
  let gateway: Gateway
  before(async () => { gateway = await startGateway({ engineSocket: (await sharedEngine('28.5')).socket, config }) })
  after(() => gateway.stop())

  const refused = async ({ env }: Namespace, ...args: string[]): Promise<string> => {
    const { status, stderr } = await cli(env, args)
    assert.notEqual(status, 0, args.join(' '))
    return stderr
  }

  it('count the published ports of all containers, and give them back with a container', async () => {
    const namespace = await gateway.open()
    await docker(namespace.env, ['create', '--name', 'two', '-p', '80', '-p', '81', 'busybox'])
    assert.match(await refused(namespace, 'create', '-p', '80', '-p', '81', 'busybox'), /HostConfig\.PortBindings is not allowed.*more than the 3 published ports.*remove containers that publish ports.*limits\.ports/)
    await docker(namespace.env, ['create', '--name', 'one', '-p', '80', 'busybox'])
    await docker(namespace.env, ['create', '--name', 'none', 'busybox'])
    assert.match(await refused(namespace, 'create', '--name', 'more', '-p', '80', 'busybox'), /limits\.ports/)
    await docker(namespace.env, ['rename', 'two', 'renamed'])
    await docker(namespace.env, ['rm', 'renamed'])
    await docker(namespace.env, ['create', '--name', 'again', '-p', '80', '-p', '81', 'busybox'])
    assert.match(await refused(namespace, 'create', '-P', '--expose', '90', 'busybox'), /limits\.ports/)
  })

  it('add up the bytes of images, and give them back with an image', async () => {
    const namespace = await gateway.open()
    const fill = (name: string, kilobytes: number) => cli(namespace.env, ['import', '-', name], { input: tarOf(kilobytes * 1000) })
    assert.equal((await fill('half', 60)).status, 0)
    const { stdout, stderr } = await fill('whole', 90)
    assert.match(stdout + stderr, /one more image is not allowed.*more than the 100000 bytes.*limits\.imageBytes/)
    assert.equal(await docker(namespace.env, ['images', '-q', 'whole']), '')
    await docker(namespace.env, ['rmi', 'half'])
    assert.equal((await fill('whole', 90)).status, 0)
  })

  it('name limit and remedy for every kind', async () => {
    const namespace = await gateway.open()
    for (const name of ['first', 'second']) await docker(namespace.env, ['volume', 'create', name])
    assert.match(await refused(namespace, 'volume', 'create', 'third'), /one more volume.*allows 2 at a time; remove some.*limits\.volumes/)
    for (const name of ['first', 'second', 'third']) await docker(namespace.env, ['network', 'create', name])
    assert.match(await refused(namespace, 'network', 'create', 'fourth'), /one more network.*allows 3 at a time; remove some.*limits\.networks/)
  })
})

describe('the limits of a namespace that two gateways serve', () => {
  let redis: RedisServer
  let gateways: Gateway[]
  before(async () => {
    const engine = await sharedEngine('28.5')
    redis = await startRedis()
    gateways = await startFarm(redis, engine, 2, config)
  })
  after(async () => {
    for (const gateway of gateways) await gateway.stop()
    await redis.stop()
  })

  it('hold when both are asked at once', async () => {
    const namespace = await gateways[0]!.open()
    const create = (at: number) => call(gateways[at % 2]!, namespace, 'POST', `/containers/create?name=c${at}`, { Image: 'busybox', HostConfig: { PortBindings: { '80/tcp': [{}], '81/tcp': [{}] } } })
    const remove = (at: number) => call(gateways[at % 2]!, namespace, 'DELETE', `/containers/c${at}?force=1`)
    for (let round = 0; round < 4; round++) {
      const made = await Promise.all(Array.from({ length: 6 }, (_, at) => create(at)))
      assert.deepEqual(made.map(({ status }) => status).sort(), [201, ...Array.from({ length: 5 }, () => 403)], made.map(({ text }) => text).join(''))
      const removed = await Promise.all(made.map((_, at) => remove((at + round) % made.length)))
      assert.equal(removed.filter(({ status }) => status === 204).length, 1)
    }
  })
})

/** A tar archive with one file of so many bytes. */
function tarOf(bytes: number): Buffer {
  const header = Buffer.alloc(512)
  header.write('file')
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        0', 148)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, Buffer.alloc(Math.ceil(bytes / 512) * 512 + 1024)])
}
