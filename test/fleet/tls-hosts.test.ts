import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { dockerfile } from '../setup/build-context.ts'
import { docker } from '../setup/cli.ts'
import { startEngine, type OwnEngine } from '../setup/engine.ts'
import { call, operate } from '../setup/farm.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { importBusybox } from '../setup/images.ts'
import { nextLink } from '../setup/link.ts'
import { openSsl } from '../setup/openssl.ts'
import { until } from '../setup/processes.ts'
import { startRegistry } from '../setup/registry.ts'

/** A real `dockerd --tlsverify`, with certificates that openssl made. */
describe('a host behind mutual TLS', () => {
  const link = nextLink()
  const ssl = openSsl()
  let [engine, gateway] = [] as unknown as [OwnEngine, Gateway]

  const serve = (name: string) => {
    copyFileSync(ssl.path(`${name}.pem`), ssl.path('serving.pem'))
    copyFileSync(ssl.path(`${name}-key.pem`), ssl.path('serving-key.pem'))
  }
  const tls = (ca: string, pair?: string, key = pair) => ({ ca: ssl.text(`${ca}.pem`), ...(pair && { cert: ssl.text(`${pair}.pem`), key: ssl.text(`${key}-key.pem`) }) })
  const host = async (name: string) => (await operate(gateway, 'GET', '/hosts')).json.find((one: any) => one.name === name)

  before(async () => {
    ssl.authority('ca')
    ssl.authority('foreign')
    ssl.certificate('engine', 'ca', { usage: 'serverAuth', names: `IP:${link.far}` })
    ssl.certificate('expired-engine', 'ca', { usage: 'serverAuth', names: `IP:${link.far}`, days: -1 })
    ssl.certificate('gateway', 'ca', { usage: 'clientAuth' })
    ssl.certificate('expired', 'ca', { usage: 'clientAuth', days: -1 })
    ssl.certificate('stranger', 'foreign', { usage: 'clientAuth' })
    serve('engine')
    engine = await startEngine({
      listen: ['tcp://0.0.0.0:2376'],
      daemon: { tlsverify: true, tlscacert: ssl.path('ca.pem'), tlscert: ssl.path('serving.pem'), tlskey: ssl.path('serving-key.pem') },
    })
    link.up(engine)
    await importBusybox(engine)
    gateway = await startGateway({
      config: {
        hosts: [{ name: 'far', url: `tcp://${link.far}:2376`, tls: { ca: ssl.path('ca.pem'), cert: ssl.path('gateway.pem'), key: ssl.path('gateway-key.pem') } }],
        images: { shared: ['busybox:latest'] },
      },
    })
  })
  after(async () => {
    await gateway?.stop()
    engine?.stop()
  })

  it('serves calls, hijacked streams, builds, pulls and events', async () => {
    const { env } = await gateway.open()
    await docker(env, ['run', '-d', '--name', 'db', 'busybox', 'sh', '-c', 'echo begun; exec sleep 1000'])
    assert.equal(await docker(env, ['exec', '-i', 'db', 'cat'], { input: 'through exec' }), 'through exec')
    assert.equal(await docker(env, ['run', '-i', '--rm', '--name', 'attached', 'busybox', 'sh', '-c', 'cat; echo ended'], { input: 'through attach, ' }), 'through attach, ended')
    assert.equal(await docker(env, ['logs', 'db']), 'begun')
    await docker(env, ['build', '-q', '-t', 'app', dockerfile('FROM busybox\nRUN echo built > /made')], { timeout: 120_000 })
    assert.equal(await docker(env, ['run', '--rm', 'app', 'cat', '/made']), 'built')
    const large = 'x'.repeat(3_000_000)
    assert.equal(await docker(env, ['run', '-i', '--rm', 'busybox', 'cat'], { input: large }), large)
    const registry = await startRegistry(engine)
    const image = await registry.push('busybox:latest', 'team/tool:1')
    await docker(env, ['pull', '-q', image], { timeout: 120_000 })
    assert.equal(await docker(env, ['run', '--rm', image, 'echo', 'pulled']), 'pulled')
    registry.stop()
    await docker(env, ['rm', '-f', 'db'])
    const told = () => docker(env, ['events', '--since', '0', '--until', String(Math.floor(Date.now() / 1000)), '--format', '{{.Action}} {{.Actor.Attributes.name}}'])
    await until(async () => /die attached\n[^]*destroy db/.test(await told()), 'Events have come')
  })

  it('tells in the list of hosts and to jobs what is wrong with certificates', async () => {
    const url = `tcp://${link.far}:2376`
    const cases: [name: string, url: string, tls: object | undefined, away: RegExp][] = [
      ['foreign', url, tls('foreign', 'gateway'), /^UNABLE_TO_VERIFY_LEAF_SIGNATURE: its certificate is not of the authority in tls\.ca; give the one that signed it$/],
      ['misnamed', `tcp://${link.other}:2376`, tls('ca', 'gateway'), /^ERR_TLS_CERT_ALTNAME_INVALID: its certificate is for other names than the one in the host's URL; /],
      ['unproven', url, tls('ca'), /CERTIFICATE_REQUIRED: it wants a certificate of the gateway; give tls\.cert and tls\.key$/],
      ['stranger', url, tls('ca', 'stranger'), /: it does not accept the certificate in tls\.cert; give one of the authority that the engine was started with/],
      ['expired', url, tls('ca', 'expired'), /: it says that the certificate in tls\.cert has expired; renew it$/],
      ['keyless', url, tls('ca', 'gateway', 'stranger'), /: tls\.key is not the key of the certificate in tls\.cert$/],
      ['garbled', url, { ca: '-----BEGIN', cert: '-----BEGIN', key: '-----BEGIN' }, /: tls\.ca, tls\.cert or tls\.key is no usable PEM text$/],
      ['plain', url, undefined, /^it answers 400 to GET \/(version|info): Client sent an HTTP request to an HTTPS server\.$/],
    ]
    for (const [name, at, material] of cases) {
      const added = await operate(gateway, 'POST', '/hosts', { name, url: at, ...(material && { tls: material }) })
      assert.equal(added.status, 201, added.text)
    }
    for (const [name, , , away] of cases) {
      await until(async () => away.test((await host(name)).away), `Host ${name} is away for the reason ${away}`)
    }
    const { stdout } = await gateway.moorage(['hosts', 'list'])
    assert.match(stdout, /^stranger .* away \(.*give one of the authority/m)
    await gateway.moorage(['hosts', 'drain', 'far'])
    const refused = await gateway.moorage(['open'])
    assert.match(refused.stderr, /no host takes namespaces: host far is drained; host foreign does not answer \(.*give the one that signed it\); host misnamed does not answer \(/)
    await gateway.moorage(['hosts', 'resume', 'far'])
    for (const [name] of cases) await gateway.moorage(['hosts', 'remove', name])
  })

  it('answers 503 with the reason when a certificate expires while namespaces live there, which continue when it is renewed', async () => {
    const namespace = await gateway.open()
    await docker(namespace.env, ['run', '-d', '--name', 'db', '--restart', 'always', '--stop-timeout', '1', 'busybox', 'sleep', '1000'])
    serve('expired-engine')
    await engine.restart()
    const asked = () => call(gateway, namespace, 'GET', '/containers/json')
    await until(async () => (await host('far')).away?.startsWith('CERT_HAS_EXPIRED'), 'The gateway has noticed')
    const { status, json } = await asked()
    assert.equal(status, 503)
    assert.equal(json.message, 'host far does not answer (CERT_HAS_EXPIRED: its certificate has expired; renew it and restart the engine); the namespace continues when the engine is back')
    serve('engine')
    await engine.restart()
    await until(async () => (await asked()).status === 200, 'The namespace continues')
    assert.equal(await docker(namespace.env, ['exec', 'db', 'echo', 'alive']), 'alive')
    await gateway.moorage(['close', namespace.id])
  })
})
