import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { cli, docker } from '../setup/cli.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { importPython } from '../setup/images.ts'
import { versions } from '../setup/paths.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** Asks the Docker API at a socket inside the container, and prints the answer's body. */
const asking = (path: string, request: string) => ['python', 'python3', '-c', `
import socket
call = socket.socket(socket.AF_UNIX)
call.connect('${path}')
call.sendall(b'${request} HTTP/1.0\\r\\nHost: docker\\r\\n\\r\\n')
answer = b''
while chunk := call.recv(65536): answer += chunk
print(answer.split(b'\\r\\n\\r\\n', 1)[1].decode())`]

const usual = '/var/run/docker.sock'

for (const version of versions) {
  describe(`A container that binds the docker socket on Engine ${version}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'moorage-job-sockets-'))
    const sockets = join(directory, 'shared')
    let gateway: Gateway
    let mine: Namespace
    let theirs: Namespace

    before(async () => {
      const engine = await sharedEngine(version)
      await importPython(engine)
      gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['python:latest'] }, jobSockets: sockets } })
      ;[mine, theirs] = await Promise.all([gateway.open(), gateway.open()])
      await docker(theirs.env, ['run', '-d', '--name', 'secret', 'python', 'sleep', '1000'])
    })

    after(async () => {
      await gateway.moorage(['close', mine.id, theirs.id])
      await gateway.stop()
      rmSync(directory, { recursive: true })
    })

    it('gets the API of its own namespace, whoever it is inside', async () => {
      const names = async (...flags: string[]) => {
        const list = JSON.parse(await docker(mine.env, ['run', '--rm', '--name', 'asking', ...flags, ...asking('/s.sock', 'GET /containers/json')])) as { Names: string[] }[]
        return list.flatMap(({ Names }) => Names)
      }
      assert.deepEqual(await names('-v', `${usual}:/s.sock`), ['/asking'])
      assert.deepEqual(await names('-v', '/run//docker.sock:/s.sock:ro'), ['/asking'])
      assert.deepEqual(await names('--user', '1000', '--mount', `type=bind,source=${usual},target=/s.sock`), ['/asking'])
    })

    it('cannot do there what the namespace cannot', async () => {
      assert.match(await docker(mine.env, ['run', '--rm', '-v', `${usual}:/s.sock`, ...asking('/s.sock', `GET /containers/${theirs.id}.secret/json`)]), /No such container/)
      assert.match(await docker(mine.env, ['run', '--rm', '-v', `${usual}:/s.sock`, ...asking('/s.sock', 'GET /namespaces')]), /needs a token/)
    })

    it('sees its bind as it asked for it, and no path of the host', async () => {
      await docker(mine.env, ['create', '--name', 'shown', '-v', `${usual}:/s.sock`, '-v', 'data:/data', 'python'])
      const { HostConfig, Mounts } = JSON.parse(await docker(mine.env, ['inspect', '-f', '{{json .}}', 'shown'])) as { HostConfig: { Binds: string[], Mounts?: unknown }, Mounts: { Source: string, Destination: string }[] }
      // The CLI sends them in any order.
      assert.deepEqual(HostConfig.Binds.toSorted(), [`${usual}:/s.sock`, 'data:/data'].toSorted())
      assert.equal(HostConfig.Mounts, undefined)
      assert.deepEqual(Mounts.map(({ Destination }) => Destination).toSorted(), ['/data', '/s.sock'])
      assert.equal(Mounts.find(({ Destination }) => Destination === '/s.sock')?.Source, usual)
      assert.doesNotMatch(await docker(mine.env, ['ps', '-a', '--no-trunc', '--format', '{{.Mounts}}']), new RegExp(directory))
      await docker(mine.env, ['rm', '-v', 'shown'])
    })

    it('cannot change the socket', async () => {
      const { status, stderr } = await cli(mine.env, ['run', '--rm', '-v', `${usual}:/s.sock`, 'python', 'chmod', '600', '/s.sock'])
      assert.notEqual(status, 0)
      assert.match(stderr, /Read-only file system/)
    })

    it('may name it as its own client does, by the path that the namespace is served at', async () => {
      const path = join(directory, 'mine.sock')
      const opened = await gateway.open('--unix', path)
      assert.match(await docker(opened.env, ['run', '--rm', '--name', 'same', '-v', `${path}:/s.sock`, ...asking('/s.sock', 'GET /containers/json')]), /"\/same"/)
      const { stderr } = await cli(mine.env, ['create', '-v', `${path}:/s.sock`, 'python'])
      assert.match(stderr, /HostConfig\.Binds is not allowed.*is a path on the engine's host/)
      await gateway.moorage(['close', opened.id])
    })

    it('is refused any other socket, and paths that only look like one', async () => {
      for (const bind of ['/run/containerd/containerd.sock:/s', `${sockets}/${theirs.id}.sock:/s`, '/var/run/docker.sock/../x.sock:/s', '/etc:/s']) {
        const { stderr } = await cli(mine.env, ['create', '-v', bind, 'python'])
        assert.match(stderr, /HostConfig\.Binds is not allowed in this namespace: .* is a path on the engine's host/, bind)
      }
      const { stderr } = await cli(mine.env, ['create', '--mount', 'type=bind,source=/run/containerd/containerd.sock,target=/s', 'python'])
      assert.match(stderr, /HostConfig\.Mounts is not allowed/)
    })

    it('is in a directory for the gateway only, and the socket is gone with the namespace', async () => {
      assert.equal(statSync(sockets).mode & 0o777, 0o700)
      assert.ok(existsSync(join(sockets, `${mine.id}.sock`)))
      const { status, stderr } = await gateway.moorage(['close', mine.id])
      assert.equal(status, 0, stderr)
      assert.ok(!readdirSync(sockets).includes(`${mine.id}.sock`))
      mine = await gateway.open()
    })

    it('is served again to new containers after a restart of the gateway', async () => {
      const ask = () => docker(mine.env, ['run', '--rm', '--name', 'asking', '-v', `${usual}:/s.sock`, ...asking('/s.sock', 'GET /containers/json')])
      assert.match(await ask(), /"\/asking"/)
      await gateway.restart()
      assert.match(await ask(), /"\/asking"/)
    })
  })
}

it('A container that binds the docker socket where the gateway shares no directory with the engine is refused with what to do', async () => {
  const engine = await sharedEngine('28.5')
  await importPython(engine)
  const gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['python:latest'] } } })
  const { env } = await gateway.open()
  const { stderr } = await cli(env, ['create', '-v', `${usual}:${usual}`, 'python'])
  assert.match(stderr, /HostConfig\.Binds: the docker socket cannot be bound here.*jobSockets.*TESTCONTAINERS_RYUK_DISABLED=true/)
  await gateway.stop()
})
