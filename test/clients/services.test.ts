import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Gateway, Namespace } from '../setup/gateway.ts'
import { inside, type Inside } from '../setup/inside.ts'
import { versions } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { webScript } from '../setup/servers.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const server = (name: string) => webScript(name, 6379)

for (const version of versions) {
  describe(`Services beside a job on Engine ${version}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'moorage-services-'))
    let machine: Inside
    let gateway: Gateway
    let ns: Namespace

    before(async () => {
      machine = inside(await sharedEngine(version))
      gateway = await machine.gateway({ config: { images: { shared: ['busybox:latest'] } } })
      ns = await gateway.open()
    })

    after(async () => {
      await gateway.moorage(['close', ns.id])
      await gateway.stop()
      rmSync(directory, { recursive: true })
    })

    const docker = (...args: string[]) => machine.docker(ns.env, args)

    it('run as GitHub Actions starts, asks for and removes service containers', async () => {
      const label = 'c1f2e3'
      const network = await docker('network', 'create', '--label', label, 'github_network_0123456789abcdef')
      assert.match(network, /^[0-9a-f]{64}$/)
      const id = await docker('create', '--name', '0a1b2c_redis_d4e5f6', '--label', label, '--network', 'github_network_0123456789abcdef', '--network-alias', 'redis',
        '-p', '6379:6379', '--health-cmd', 'test -e /www/index.html', '--health-interval', '1s', '--health-retries', '50',
        '-e', 'ALLOW_EMPTY_PASSWORD=yes', '-e', 'GITHUB_ACTIONS=true', '-e', 'CI=true', 'busybox', 'sh', '-c', server('service'))
      assert.equal(await docker('start', id), id)
      assert.match(await docker('ps', '--all', '--filter', `id=${id}`, '--filter', 'status=running', '--no-trunc', '--format', '{{.ID}} {{.Status}}'), new RegExp(`^${id} Up`))
      // Where the runner takes job.services.redis.ports['6379'] from.
      const port = /^6379\/tcp -> 127\.0\.0\.1:(\d+)$/.exec(await docker('port', id))?.[1]
      assert.ok(port)
      await until(async () => await docker('inspect', '--format', '{{if .Config.Healthcheck}}{{print .State.Health.Status}}{{end}}', id) === 'healthy', 'the service is healthy', 60_000)
      assert.equal(await machine.get(port), 'service')
      assert.equal(await docker('run', '--rm', '--network', 'github_network_0123456789abcdef', 'busybox', 'sh', '-c', 'printf "GET / HTTP/1.0\\r\\n\\r\\n" | nc redis 6379 | tail -1'), 'service')
      await docker('logs', '--details', id)
      await docker('rm', '--force', id)
      await docker('network', 'rm', 'github_network_0123456789abcdef')
      await docker('network', 'prune', '--force', '--filter', `label=${label}`)
      assert.equal(await docker('ps', '-aq'), '')
    })

    it('run by compose, whose ports are what docker compose port and ps tell', async () => {
      const file = join(directory, 'compose.yaml')
      writeFileSync(file, JSON.stringify({
        services: {
          db: { image: 'busybox', command: ['sh', '-c', server('db')], ports: ['6379:6379'], healthcheck: { test: 'test -e /www/index.html', interval: '1s', retries: 50 } },
          app: { image: 'busybox', command: ['sh', '-c', server('app')], depends_on: { db: { condition: 'service_healthy' } }, ports: ['6379', { target: 53, protocol: 'udp' }] },
        },
      }))
      const compose = (...args: string[]) => docker('compose', '-f', file, '-p', 'shop', ...args)
      await compose('up', '-d', '--quiet-pull')
      const [db, app] = [await compose('port', 'db', '6379'), await compose('port', 'app', '6379')].map((shown) => /^127\.0\.0\.1:(\d+)$/.exec(shown)?.[1])
      assert.ok(db && app)
      assert.deepEqual([await machine.get(db), await machine.get(app)], ['db', 'app'])
      assert.match(await compose('port', '--protocol', 'udp', 'app', '53'), /^127\.0\.0\.1:\d+$/)
      assert.match(await compose('ps', '--format', '{{.Ports}}', 'db'), new RegExp(`127\\.0\\.0\\.1:${db}->6379/tcp`))
      // Recreated, as after a change: the old one's ports are free for the new one.
      await compose('up', '-d', '--quiet-pull', '--force-recreate', '-t', '0')
      assert.equal(await machine.get(/:(\d+)$/.exec(await compose('port', 'db', '6379'))![1]!), 'db')
      await compose('down', '-t', '0')
      assert.equal(await docker('ps', '-aq'), '')
    })
  })
}
