import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rows } from '../functions/index.ts'
import { docker } from './setup/cli.ts'
import type { Engine } from './setup/engine.ts'
import { startGateway, type Gateway, type Namespace } from './setup/gateway.ts'
import { versions } from './setup/paths.ts'
import { ask } from './setup/plain-http.ts'
import { sharedEngine } from './setup/shared-engine.ts'

/** Bodies and queries without which a row answers about them before it looks at the object. */
const asks: Record<string, { query?: string; body?: object }> = {
  ContainerExec: { body: { Cmd: ['true'] } },
  ExecStart: { body: { Detach: true } },
  ContainerResize: { query: '?h=1&w=1' }, ExecResize: { query: '?h=1&w=1' },
  ContainerRename: { query: '?name=other' }, ContainerUpdate: { body: {} }, ContainerLogs: { query: '?stdout=1' },
  ContainerArchive: { query: '?path=/' }, ContainerArchiveInfo: { query: '?path=/' }, PutContainerArchive: { query: '?path=/' },
  NetworkConnect: { body: { Container: 'nosuch' } }, NetworkDisconnect: { body: { Container: 'nosuch' } },
  ImageTag: { query: '?repo=x' }, ImagePush: { query: '?tag=latest' },
}

/** Kinds of objects by the rows that name one: those that own one, and those that look for themselves. */
const kindOf = (row: (typeof rows)[number]) => row.owns
  ?? (/^\w+ \/networks\/:/.test(row.route) ? 'network' : /^(GET|DELETE) \/volumes\/:/.test(row.route) ? 'volume' : /^\w+ \/images\/:/.test(row.route) ? 'image' : undefined)

/** Rows on one object. Pushing answers 200 and a stream; it has a test of its own, as have WebSockets, which are not served here. */
const owning = rows.filter((row) => kindOf(row) !== undefined && !['ImagePush', 'ContainerAttachWebsocket', 'Checkpoint'].includes(row.name))

for (const version of versions) {
  describe(`what another namespace has, on Engine ${version}`, () => {
    let engine: Engine
    let gateway: Gateway
    let owner: Namespace
    const mine: Record<string, string[]> = {}
    let stranger: string
    let bare: string

    before(async () => {
      engine = await sharedEngine(version)
      gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] } } })
      owner = await gateway.open('--unix', join(gateway.stateDir, 'owner.sock'))
      stranger = join(gateway.stateDir, 'stranger.sock')
      await gateway.open('--unix', stranger)
      bare = engine.socket
      const container = await docker(owner.env, ['run', '-d', '--init', '--name', 'box', '-v', 'secretvol:/v', 'busybox', 'sleep', '1000'])
      const network = await docker(owner.env, ['network', 'create', 'secretnet'])
      await docker(owner.env, ['tag', 'busybox', 'secretimage:v1'])
      const image = await docker(owner.env, ['commit', 'box', 'committed:v1'])
      const exec = (await ask(join(gateway.stateDir, 'owner.sock'), { method: 'POST', target: '/containers/box/exec', body: { Cmd: ['true'] } })).json.Id
      mine['container'] = ['box', container, container.slice(0, 12), `${owner.id}.box`]
      mine['network'] = ['secretnet', network, network.slice(0, 12), `${owner.id}.secretnet`]
      mine['volume'] = ['secretvol', `${owner.id}.secretvol`]
      mine['image'] = ['committed:v1', image, image.slice(7, 19), `moorage.invalid/${owner.id}/docker.io/library/committed:v1`]
      mine['exec'] = [exec, exec.slice(0, 12)]
    })
    after(async () => {
      await gateway.moorage(['close', '--all'])
      await gateway.stop()
    })

    for (const row of owning) {
      const kind = kindOf(row)!
      const [method = '', route = ''] = row.route.split(' ')
      const { query = '', body } = asks[row.name] ?? {}
      const path = (term: string) => `${route.replace(/:\w+(\{[^}]*\})?/, () => term)}${query}`

      test(`${row.route} answers for it by name, id and prefix as for what does not exist`, async () => {
        for (const term of mine[kind]!) {
          const nothing = term.replaceAll(/[0-9a-z]/g, (letter) => letter === 'e' ? 'd' : letter === '7' ? '8' : letter)
          const [about, none] = [await raw(stranger, method, path(term), body), await raw(stranger, method, path(nothing), body)]
          assert.ok(about.status >= 400 || (row.name === 'VolumeRemove' && query.includes('force')), `${method} ${path(term)}: ${about.status} ${about.body}`)
          assert.deepEqual(about, renamed(none, nothing, term), `${method} ${path(term)}`)
        }
      })

      test(`${row.route} answers for what does not exist as the engine does`, async () => {
        const [ours, engines] = [await raw(stranger, method, path('nosuch'), body), await raw(bare, method, path('nosuch'), body)]
        // The engine ends its answer to attach by closing the connection.
        if (row.name === 'ContainerAttach') delete ours.headers['content-length']
        assert.deepEqual(ours, engines)
      })
    }

    test('what its owner has is still there after all that', async () => {
      assert.equal(await docker(owner.env, ['ps', '--format', '{{.Names}} {{.State}}']), 'box running')
      assert.equal(await docker(owner.env, ['volume', 'ls', '-q']), 'secretvol')
      assert.match(await docker(owner.env, ['images', '--format', '{{.Repository}}']), /committed/)
      assert.match(await docker(owner.env, ['network', 'ls', '--format', '{{.Name}}']), /secretnet/)
    })
  })
}

interface Told {
  status: number
  headers: Record<string, string>
  body: string
}

/** Headers by which a client could tell one engine from another. */
const told = ['content-type', 'content-length', 'api-version', 'docker-experimental', 'ostype', 'server', 'transfer-encoding', 'location', 'x-docker-container-path-stat']

async function raw(socket: string, method: string, target: string, body?: object): Promise<Told> {
  const { status, headers, text } = await ask(socket, { method, target, body })
  return { status, headers: Object.fromEntries(told.filter((name) => headers[name] !== undefined).map((name) => [name, String(headers[name])])), body: text }
}

/** The same answer about another string. */
function renamed(answer: Told, from: string, to: string): Told {
  const body = answer.body.replaceAll(from, () => to)
  const length = answer.headers['content-length']
  const delta = Buffer.byteLength(body) - Buffer.byteLength(answer.body)
  return { ...answer, body, headers: { ...answer.headers, ...(length !== undefined && { 'content-length': String(Number(length) + delta) }) } }
}
