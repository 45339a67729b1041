import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cli, docker } from '../setup/cli.ts'
import { startEngine, type OwnEngine } from '../setup/engine.ts'
import { through } from '../setup/farm.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { importBusybox } from '../setup/images.ts'
import { nextLink } from '../setup/link.ts'
import { until } from '../setup/processes.ts'
import { web } from '../setup/servers.ts'
import { startRedis } from '../setup/redis.ts'

describe('Published ports of an engine on another machine', () => {
  const link = nextLink()
  const { far } = link
  let engine: OwnEngine

  before(async () => {
    engine = await startEngine({ version: '28.5' })
    await importBusybox(engine)
    link.up(engine)
  })

  const stopping: { stop(): unknown }[] = []
  after(async () => {
    for (const one of stopping.toReversed()) await one.stop()
    engine.stop()
  })

  async function opened(reach: string): Promise<{ gateway: Gateway; ns: Namespace }> {
    const gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] }, ports: { reach } } })
    stopping.push(gateway)
    return { gateway, ns: await gateway.open() }
  }

  const answers = (at: string) => until(async () => await fetch(`http://${at}/`).then((answer) => answer.text(), () => '') === 'web\n', `the container answers at ${at}`, 60_000)

  it('are relayed when the operator names the address of its machine', async () => {
    const { gateway, ns } = await opened(far)
    await docker(ns.env, ['run', '-d', '--name', 'web', '-p', '8080:80', ...web('web')])
    const port = /^127\.0\.0\.1:(\d+)$/.exec(await docker(ns.env, ['port', 'web', '80']))?.[1]
    await answers(`127.0.0.1:${port}`)
    const [, atEngine] = new RegExp(`^80/tcp -> ${far.replaceAll('.', '\\.')}:(\\d+)$`).exec(await engine.docker('port', `${ns.id}.web`)) ?? []
    assert.ok(atEngine)
    // What docs/ports.md tells to close the address to containers.
    const dial = () => docker(ns.env, ['run', '--rm', 'busybox', 'sh', '-c', `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 nc ${far} ${atEngine}; true`])
    assert.match(await dial(), /web/)
    await engine.enter('iptables', ['-t', 'raw', '-I', 'PREROUTING', '-i', 'br+', '-d', far, '-j', 'DROP'])
    assert.equal(await dial(), '')
    await answers(`127.0.0.1:${port}`)
    await gateway.moorage(['close', ns.id])
  })

  it('are not published, with a warning, where the gateway could not reach them; the containers run', async () => {
    const { gateway, ns } = await opened('none')
    const { status, stdout, stderr } = await cli(ns.env, ['create', '--name', 'web', '-p', '8080:80', ...web('web')])
    assert.equal(status, 0, stderr)
    assert.match(stderr, /Published ports are not relayed here.*ports\.reach/)
    await docker(ns.env, ['start', 'web'])
    assert.equal(await docker(ns.env, ['port', 'web']), '')
    assert.equal(await docker(ns.env, ['inspect', '-f', '{{json .HostConfig.PortBindings}}', 'web']), '{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}')
    assert.equal(await engine.docker('inspect', '-f', '{{json .HostConfig.PortBindings}}', stdout.trim()), '{}')
    await gateway.moorage(['close', ns.id])
  })

  it('are relayed by every gateway of a farm at one number, for who has called any of them', async () => {
    const redis = await startRedis()
    stopping.push(redis)
    const start = async (address: string) => {
      const gateway = await startGateway({ engineSocket: engine.socket, config: { store: redis.url, images: { shared: ['busybox:latest'] }, ports: { reach: far, address } } })
      stopping.push(gateway)
      return gateway
    }
    const a = await start('127.0.0.1')
    // The last one has the address of the first, which relays for both.
    const [b, c] = [await start('127.0.0.2'), await start('127.0.0.1')]
    const ns = await a.open()
    await docker(ns.env, ['run', '-d', '--name', 'web', '-p', '8080:80', ...web('web')])
    const number = (await docker(ns.env, ['port', 'web', '80'])).split(':').at(-1)
    await answers(`127.0.0.1:${number}`)
    await answers(`127.0.0.2:${number}`)
    assert.equal(await docker(through(b, ns), ['port', 'web', '80']), `127.0.0.2:${number}`)
    assert.equal(await docker(through(c, ns), ['port', 'web', '80']), `127.0.0.1:${number}`)
    await docker(through(b, ns), ['restart', '-t', '0', 'web'])
    assert.equal(await docker(ns.env, ['port', 'web', '80']), `127.0.0.1:${number}`)
    await answers(`127.0.0.1:${number}`)
    await answers(`127.0.0.2:${number}`)
    await b.moorage(['close', ns.id])
  })
})
