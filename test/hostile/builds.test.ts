import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { dockerfile } from '../setup/build-context.ts'
import { cli, docker } from '../setup/cli.ts'
import type { Engine } from '../setup/engine.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { startRegistry } from '../setup/registry.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

const timeout = 120_000

let engine: Engine
let gateway: Gateway

before(async () => {
  engine = await sharedEngine('28.5')
  gateway = await startGateway({
    engineSocket: engine.socket,
    config: { images: { shared: ['busybox:latest'] }, policies: { apart: { build: { cache: 'namespace' } }, listed: { registries: ['registry.example'] } } },
  })
})
after(() => gateway.stop())

/** A name resolves differently in every build, and the cache key of a step does not say how. */
async function resolved(namespace: Namespace, text: string, address: string): Promise<string> {
  await docker(namespace.env, ['build', '-q', '-t', 'poisoned', '--add-host', `pkg:${address}`, dockerfile(text)], { timeout })
  return docker(namespace.env, ['run', '--rm', 'poisoned', 'cat', '/address'])
}

const step = () => `FROM busybox\nRUN awk '$2 == "pkg" { print $1 }' /etc/hosts > /address # ${randomBytes(8).toString('hex')}`

test('a layer that was prepared in one trust domain is not served to another, and is within its own', async () => {
  const [attacker, colleague, victim] = await Promise.all([gateway.open('--domain', 'a'), gateway.open('--domain', 'a'), gateway.open('--domain', 'b')])
  const text = step()
  assert.equal(await resolved(attacker!, text, '6.6.6.6'), '6.6.6.6')
  assert.equal(await resolved(victim!, text, '10.0.0.1'), '10.0.0.1')
  assert.equal(await resolved(colleague!, text, '10.0.0.1'), '6.6.6.6')
})

test('with build.cache namespace nothing is served from one namespace to another, of one domain or not', async () => {
  const [one, two] = await Promise.all([gateway.open('--domain', 'a', '--policy', 'apart'), gateway.open('--domain', 'a', '--policy', 'apart')])
  const text = step()
  assert.equal(await resolved(one!, text, '6.6.6.6'), '6.6.6.6')
  assert.equal(await resolved(two!, text, '10.0.0.1'), '10.0.0.1')
})

/** What a refused build says. */
async function refused(namespace: Namespace, ...args: string[]): Promise<string> {
  const { status, stderr, stdout } = await cli(namespace.env, ['build', ...args], { timeout })
  assert.equal(status, 1, stderr + stdout)
  return stderr
}

test('what reaches the host or another namespace is refused in readable words', async () => {
  const namespace = await gateway.open()
  const plain = dockerfile('FROM busybox\nRUN true')
  assert.match(await refused(namespace, '--network', 'host', plain), /PermissionDenied: .*(entitlement "network.host"|network mode host).* is not allowed in this namespace/)
  assert.match(await refused(namespace, dockerfile('FROM busybox\nRUN --network=host true')), /network.host/)
  assert.match(await refused(namespace, dockerfile('FROM busybox\nRUN --security=insecure true')), /security/)
  assert.match(await refused(namespace, dockerfile('FROM busybox\nADD http://127.0.0.1:1/x /')), /source "http:\/\/127.0.0.1:1\/x" denied by policy/)
  assert.match(await refused(namespace, dockerfile('FROM busybox\nADD https://github.com/moby/moby.git /')), /denied by policy/)
  assert.match(await refused(namespace, 'https://github.com/moby/moby.git'), /the remote build context is not allowed/)
  assert.match(await refused(namespace, '--build-arg', 'BUILDKIT_SYNTAX=evil/frontend', plain), /the frontend evil\/frontend is not allowed/)
})

test('a control group that a build asks for is not the one it gets', async () => {
  const namespace = await gateway.open()
  await docker(namespace.env, ['build', '-q', '-t', 'grouped', '--cgroup-parent', '/docker/x', dockerfile('FROM busybox\nRUN cat /proc/self/cgroup > /group')], { timeout })
  assert.doesNotMatch(await docker(namespace.env, ['run', '--rm', 'grouped', 'cat', '/group']), /docker\/x/)
})

test('an image on the engine that is nobody\'s is not found under its real name, with and without its registry', async () => {
  const namespace = await gateway.open()
  const registry = await startRegistry(engine)
  const name = `${registry.address}/private/${randomBytes(6).toString('hex')}:1`
  try {
    await engine.docker('tag', 'busybox', name)
    // The registry does not have it: only the engine does, as while it is pushed by somebody.
    const stderr = await refused(namespace, dockerfile(`FROM ${name}\nLABEL a=b`))
    assert.match(stderr, /not found/)
    for (const text of [`FROM busybox\nCOPY --from=${name} /bin /b`, `FROM busybox\nRUN --mount=from=${name},target=/m ls /m`]) assert.match(await refused(namespace, dockerfile(text)), /not found/)
    assert.match(await refused(namespace, '--build-context', `c=docker-image://${name}`, dockerfile('FROM busybox\nCOPY --from=c /bin /b')), /not found/)
  } finally {
    await engine.docker('rmi', name)
    registry.stop()
  }
})

test('registries that the policy does not list are not dialled, however their names are written', async () => {
  const namespace = await gateway.open('--policy', 'listed')
  const registry = await startRegistry(engine)
  const image = `${registry.address}/x`
  try {
    for (const name of [image, `docker.io/${image}`, 'docker.io/localhost/x', 'localhost/x', 'docker.io/library/busybox:none', 'registry.example.evil/x']) {
      const stderr = await refused(namespace, dockerfile(`FROM ${name}`))
      assert.match(stderr, /denied by policy|invalid reference format/, name)
    }
    assert.match(await refused(namespace, '--cache-from', `type=registry,ref=${image}`, dockerfile('FROM busybox')), /the registry 127\.0\.0\.1:\d+ as a cache is not allowed/)
    assert.doesNotMatch(registry.log(), /"http.request.uri"/)
  } finally {
    registry.stop()
  }
})

test('link-local addresses are not dialled under any policy', async () => {
  const namespace = await gateway.open()
  for (const host of ['169.254.169.254', '169.254.169.254:80', '2852039166:80', '0xA9FEA9FE:80']) {
    assert.match(await refused(namespace, dockerfile(`FROM ${host}/latest/meta-data`)), /denied by policy/, host)
  }
})
