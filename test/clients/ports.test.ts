import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Gateway, Namespace } from '../setup/gateway.ts'
import { importPython } from '../setup/images.ts'
import { inside, type Inside } from '../setup/inside.ts'
import { versions } from '../setup/paths.ts'
import { until } from '../setup/processes.ts'
import { udpEcho, web } from '../setup/servers.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

for (const version of versions) {
  describe(`Ports published on Engine ${version}`, () => {
    let machine: Inside
    let gateway: Gateway
    let mine: Namespace
    let theirs: Namespace

    before(async () => {
      const engine = await sharedEngine(version)
      await importPython(engine)
      machine = inside(engine)
      gateway = await machine.gateway({ config: { images: { shared: ['busybox:latest', 'python:latest'] }, ports: { range: '41000-41099', address: '0.0.0.0' } } })
      ;[mine, theirs] = await Promise.all([gateway.open(), gateway.open()])
    })

    after(async () => {
      await gateway.moorage(['close', mine.id, theirs.id])
      await gateway.stop()
    })

    const docker = (ns: Namespace, ...args: string[]) => machine.docker(ns.env, args)

    /** The port that docker shows for a container's, which has to be the same in all three places. */
    async function shown(ns: Namespace, container: string, port: string): Promise<number> {
      const number = /^0\.0\.0\.0:(410\d\d)$/.exec(await docker(ns, 'port', container, port))?.[1]
      assert.ok(number, 'docker port shows a port of the range')
      assert.match(await docker(ns, 'ps', '--filter', `name=^${container}$`, '--format', '{{.Ports}}'), new RegExp(`0\\.0\\.0\\.0:${number}->${port}`))
      const inspected = JSON.parse(await docker(ns, 'inspect', '-f', '{{json .NetworkSettings.Ports}}', container)) as Record<string, unknown>
      assert.deepEqual(inspected[port], [{ HostIp: '0.0.0.0', HostPort: number }])
      return Number(number)
    }

    /** How dialling a port ends. */
    const dial = (port: number) => machine.node(`
      const socket = (await import('node:net')).connect(${port}, '127.0.0.1')
      socket.on('error', (error) => console.log(error.code)).on('connect', () => socket.write('x')).on('data', () => { console.log('data'); socket.destroy() })`)

    it('are dialled at a port of the gateway, the same one may be published by two namespaces', async () => {
      await Promise.all([docker(mine, 'run', '-d', '--name', 'web', '-p', '8080:80', ...web('mine')), docker(theirs, 'run', '-d', '--name', 'web', '-p', '8080:80', ...web('theirs'))])
      const [one, two] = await Promise.all([shown(mine, 'web', '80/tcp'), shown(theirs, 'web', '80/tcp')])
      assert.notEqual(one, two)
      assert.deepEqual(await Promise.all([machine.get(one), machine.get(two)]), ['mine', 'theirs'])
      assert.equal(await docker(mine, 'inspect', '-f', '{{json .HostConfig.PortBindings}}', 'web'), '{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}')
    })

    it('listen on the loopback of the engine only', async () => {
      const bindings = JSON.parse(await (await sharedEngine(version)).docker('inspect', '-f', '{{json .NetworkSettings.Ports}}', `${mine.id}.web`)) as Record<string, { HostIp: string }[]>
      assert.deepEqual(bindings['80/tcp']?.map(({ HostIp }) => HostIp), ['127.0.0.1'])
    })

    it('stay at their port of the gateway over restarts, and lead to the container again', async () => {
      const port = await shown(mine, 'web', '80/tcp')
      await docker(mine, 'stop', '-t', '0', 'web')
      assert.equal(await docker(mine, 'port', 'web'), '')
      await until(async () => await dial(port) === 'ECONNREFUSED', 'nothing listens for a stopped container', 60_000)
      await docker(mine, 'container', 'rm', 'web')
      await docker(mine, 'run', '-d', '--name', 'web', '--restart', 'always', '-p', '8080:80', ...web('mine'))
      const now = await shown(mine, 'web', '80/tcp')
      assert.equal(await machine.get(now), 'mine')
      await docker(mine, 'restart', '-t', '0', 'web')
      assert.equal(await shown(mine, 'web', '80/tcp'), now)
      assert.equal(await machine.get(now), 'mine')
      // The engine starts it again by itself, at another port of the engine.
      await docker(mine, 'exec', 'web', 'kill', '-9', '-1').catch(() => {})
      await until(async () => await machine.node(`fetch('http://127.0.0.1:${now}/').then(async (answer) => console.log(await answer.text()), () => {})`) === 'mine', 'a restarted container is relayed to', 60_000)
    })

    it('of every exposed port with -P, of a range, and several for one port', async () => {
      await docker(mine, 'run', '-d', '--name', 'many', '-P', '--expose', '80', '--expose', '81', '-p', '9000-9010:82', '-p', '83', '-p', '84:83', ...web('many'))
      const ports = (await docker(mine, 'port', 'many')).split('\n').map((line) => /^(\d+\/tcp) -> 0\.0\.0\.0:(\d+)$/.exec(line)?.slice(1))
      assert.deepEqual(ports.map((port) => port?.[0]), ['80/tcp', '81/tcp', '82/tcp', '83/tcp', '83/tcp'])
      assert.equal(new Set(ports.map((port) => port?.[1])).size, 5)
      assert.equal(await machine.get(Number(ports[0]?.[1])), 'many')
      await docker(mine, 'rm', '-f', 'many')
    })

    it('are at the wished number when the range has it and it is free', async () => {
      await docker(mine, 'run', '-d', '--name', 'wish', '-p', '41077:80', ...web('wish'))
      assert.equal(await shown(mine, 'wish', '80/tcp'), 41077)
      await docker(theirs, 'run', '-d', '--name', 'wish', '-p', '41077:80', ...web('wish'))
      assert.notEqual(await shown(theirs, 'wish', '80/tcp'), 41077)
      await Promise.all([docker(mine, 'rm', '-f', 'wish'), docker(theirs, 'rm', '-f', 'wish')])
    })

    it('of UDP are relayed with answers', async () => {
      await docker(mine, 'run', '-d', '--name', 'dns', '-p', '53:5353/udp', ...udpEcho)
      const port = await shown(mine, 'dns', '5353/udp')
      assert.equal(await machine.node(`
        const socket = (await import('node:dgram')).createSocket('udp4')
        const repeat = setInterval(() => socket.send('ping', ${port}, '127.0.0.1'), 100)
        setTimeout(() => process.exit(1), 60_000).unref()
        socket.on('message', (data) => { console.log(String(data)); clearInterval(repeat); socket.close() })`), 'ping')
      await docker(mine, 'rm', '-f', 'dns')
    })

    it('cannot be had twice in a namespace, and are free again with the container', async () => {
      await docker(mine, 'create', '--name', 'second', '-p', '8080:80', ...web('second'))
      const { status, stderr } = await machine.cli(mine.env, ['start', 'second'])
      assert.deepEqual([status, /Bind for 0\.0\.0\.0:8080 failed: port is already allocated/.test(stderr)], [1, true], stderr)
      await docker(mine, 'rm', '-f', 'web')
      await docker(mine, 'start', 'second')
      assert.equal(await machine.get(await shown(mine, 'second', '80/tcp')), 'second')
      await docker(mine, 'rm', '-f', 'second')
    })

    it('are not for containers, of whichever namespace, that dial the gateway', async () => {
      const port = await shown(theirs, 'web', '80/tcp')
      const address = await docker(mine, 'run', '--rm', 'busybox', 'sh', '-c', "ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'")
      const dialFrom = async () => (await machine.cli(mine.env, ['run', '--rm', 'python', 'python3', '-c', `from socket import *
try:
  dialled = create_connection(('${address}', ${port}), 30)
  dialled.send(b'GET / HTTP/1.0\\r\\n\\r\\n')
  print(dialled.recv(1000))
except Exception as error: print(type(error).__name__)`])).stdout.trim()
      assert.equal(await dialFrom(), 'ConnectionResetError')
      assert.equal(await machine.get(port), 'theirs')
    })

    it('are relayed again when the gateway was restarted, at the same port and before any call of the job', async () => {
      const port = await shown(theirs, 'web', '80/tcp')
      await gateway.restart()
      assert.equal(await machine.get(port), 'theirs')
      assert.equal(await shown(theirs, 'web', '80/tcp'), port)
    })

    it('end with the namespace', async () => {
      const port = await shown(theirs, 'web', '80/tcp')
      const { status, stderr } = await gateway.moorage(['close', theirs.id])
      assert.equal(status, 0, stderr)
      await until(async () => await dial(port) === 'ECONNREFUSED', 'nothing listens for a closed namespace', 60_000)
      theirs = await gateway.open()
    })

    it('are refused beyond what the policy allows and for protocols that are not relayed', async () => {
      const many = await machine.cli(mine.env, ['create', '-p', '7000-7200:7000-7200', 'busybox'])
      assert.match(many.stderr, /limits\.ports/)
      const sctp = await machine.cli(mine.env, ['create', '-p', '7000:7000/sctp', 'busybox'])
      assert.match(sctp.stderr, /7000\/sctp would have to be relayed to the job, and only tcp and udp are/)
    })
  })
}
