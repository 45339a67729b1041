import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { clientEnvironment, docker } from '../setup/cli.ts'
import { command } from '../setup/command.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { dockerPath, versions } from '../setup/paths.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** Three services, each waiting for another: for its health, for its end. */
const project = `
services:
  db:
    image: busybox
    init: true
    command: sh -c 'echo ready > /data/state; httpd -f -p 80 -h /data'
    volumes: [data:/data]
    healthcheck: { test: test -s /data/state, interval: 500ms, retries: 60 }
    networks: { default: { aliases: [database] } }
  setup:
    image: busybox
    command: sh -c 'wget -q -O - http://database/state && echo set-up-done'
    depends_on: { db: { condition: service_healthy } }
  web:
    image: busybox
    init: true
    command: sh -c 'echo web-began; sleep 1000'
    environment: { GREETING: hello }
    depends_on: { setup: { condition: service_completed_successfully } }
volumes:
  data:
`

for (const version of versions) {
  describe(`compose 2 in namespaces of Engine ${version}`, () => {
    let gateway: Gateway
    let first: Namespace
    let second: Namespace
    const folder = mkdtempSync(join(tmpdir(), 'moorage-compose-'))
    const compose = async (namespace: Namespace, name: string, ...args: string[]) => {
      const { status, stdout, stderr } = await command(dockerPath('28.5'), ['compose', '-p', name, '-f', join(folder, 'compose.yaml'), ...args],
        { env: clientEnvironment(namespace.env), timeout: 120_000 })
      assert.equal(status, 0, `compose ${args.join(' ')}: ${stderr}${stdout}`)
      return stdout.trim()
    }
    const names = async (namespace: Namespace) => (await docker(namespace.env, ['ps', '-a', '--format', '{{.Names}}'])).split('\n').filter(Boolean).toSorted()

    before(async () => {
      writeFileSync(join(folder, 'compose.yaml'), project)
      const { socket } = await sharedEngine(version)
      gateway = await startGateway({ engineSocket: socket, config: { images: { shared: ['busybox:latest'] } } })
      ;[first, second] = await Promise.all([gateway.open(), gateway.open()])
    })
    after(async () => {
      await gateway.moorage(['close', '--all'])
      await gateway.stop()
      rmSync(folder, { recursive: true, force: true })
    })

    test('brings three services up in the order of their dependencies, the same project in two namespaces at once', async () => {
      await Promise.all([compose(first, 'app', 'up', '-d'), compose(second, 'app', 'up', '-d')])
      for (const namespace of [first, second]) {
        assert.deepEqual(await names(namespace), ['app-db-1', 'app-setup-1', 'app-web-1'])
        assert.match(await compose(namespace, 'app', 'logs', 'setup'), /ready[\s\S]*set-up-done/)
      }
    })

    test('shows its services and runs commands in and beside them', async () => {
      const shown = (await compose(first, 'app', 'ps', '--format', '{{.Name}} {{.Service}} {{.State}} {{.Health}}')).split('\n').map((line) => line.trim())
      assert.deepEqual(shown.toSorted(), ['app-db-1 db running healthy', 'app-web-1 web running'])
      assert.equal(await compose(first, 'app', 'exec', '-T', 'web', 'sh', '-c', 'echo $GREETING'), 'hello')
      assert.equal(await compose(first, 'app', 'exec', '-T', 'web', 'wget', '-q', '-O', '-', 'http://db/state'), 'ready')
      assert.equal(await compose(first, 'app', 'run', '--rm', '-T', 'web', 'cat', '/etc/hostname').then((text) => text.length), 12)
      assert.match(await compose(first, 'app', 'top', 'web'), /sleep 1000/)
      assert.match(await compose(first, 'app', 'images'), /busybox\s+latest/)
      assert.match(await compose(first, 'app', 'logs', '--no-log-prefix', '--tail', '1', 'web'), /^web-began$/)
    })

    test('changes one service and leaves the others', async () => {
      const ids = () => docker(first.env, ['ps', '-aq', '--no-trunc', '--filter', 'name=app-db-1'])
      const [db, web] = [await ids(), await docker(first.env, ['ps', '-q', '--filter', 'name=app-web-1'])]
      writeFileSync(join(folder, 'compose.yaml'), project.replace('GREETING: hello', 'GREETING: changed'))
      await compose(first, 'app', 'up', '-d')
      assert.equal(await ids(), db)
      assert.notEqual(await docker(first.env, ['ps', '-q', '--filter', 'name=app-web-1']), web)
      assert.equal(await compose(first, 'app', 'exec', '-T', 'web', 'sh', '-c', 'echo $GREETING'), 'changed')
      await compose(first, 'app', 'restart', '-t', '1', 'web')
      await compose(first, 'app', 'up', '-d', '--scale', 'web=2', '--no-recreate')
      assert.deepEqual(await names(first), ['app-db-1', 'app-setup-1', 'app-web-1', 'app-web-2'])
      writeFileSync(join(folder, 'compose.yaml'), project)
    })

    test('keeps two projects of one namespace apart, and takes down only its own', async () => {
      await compose(first, 'other', 'up', '-d', 'db')
      await compose(first, 'app', 'down', '-v', '-t', '1')
      assert.deepEqual(await names(first), ['other-db-1'])
      assert.equal(await docker(first.env, ['volume', 'ls', '-q']), 'other_data')
      assert.equal(await docker(first.env, ['network', 'ls', '-q', '--filter', 'type=custom', '--filter', 'name=app']), '')
      assert.deepEqual(await names(second), ['app-db-1', 'app-setup-1', 'app-web-1'])
      assert.equal(await compose(second, 'app', 'exec', '-T', 'web', 'wget', '-q', '-O', '-', 'http://db/state'), 'ready')
      await Promise.all([compose(first, 'other', 'down', '-v', '-t', '1'), compose(second, 'app', 'down', '-v', '-t', '1')])
      for (const namespace of [first, second]) assert.deepEqual([await names(namespace), await docker(namespace.env, ['volume', 'ls', '-q'])], [[], ''])
    })
  })
}
