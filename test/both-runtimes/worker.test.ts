import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { relative } from 'node:path'
import { readFileSync } from 'node:fs'
import { callerOf } from '../../infra/worker/caller.ts'
import { settingsOf } from '../../infra/worker/settings.ts'
import { importsOf, reachableFrom } from '../setup/import-graph.ts'
import { root } from '../setup/paths.ts'
import { startRedis, type RedisServer } from '../setup/redis.ts'
import { startWorker, type Worker } from '../setup/worker.ts'
import { proxySecret, sendToWorker } from './worker-client.ts'

const ns = 'abcdefghij012345'

describe('the Worker', () => {
  it('reaches nothing that its platform does not have', () => {
    const absent = /^(undici|node:(sqlite|http|https|http2|child_process|net|tls|fs)|@hono\/node-server|pino)(\/|$)/
    const offences = [...reachableFrom(`${root}/infra/worker/index.ts`)].filter((file) => file.endsWith('.ts'))
      .flatMap((file) => importsOf(readFileSync(file, 'utf8')).filter((specifier) => absent.test(specifier)).map((specifier) => `${relative(root, file)} imports ${specifier}`))
    assert.deepEqual(offences, [])
  })

  it('knows a caller by a verified certificate of the farm\'s authority, or by a proxy that proves itself', () => {
    const of = (cf: object | undefined, headers: Record<string, string> = {}, secret: string | undefined = proxySecret) =>
      callerOf(Object.assign(new Request('http://x', { headers }), { cf: cf && { tlsClientAuth: cf } }), { subject: 'CN=Moorage CA 1', secret })
    const good = { certPresented: '1', certVerified: 'SUCCESS', certSubjectDN: `CN=${ns}`, certIssuerDN: 'CN=Moorage CA 1' }
    assert.equal(of(good), ns)
    for (const wrong of [{ certVerified: 'FAILED:self signed' }, { certPresented: '0' }, { certIssuerDN: 'CN=Moorage CA 2' }, { certSubjectDN: 'CN=other' }]) assert.equal(of({ ...good, ...wrong }), undefined)
    assert.equal(of(undefined, { 'x-moorage-proxy': proxySecret, 'x-moorage-namespace': ns }), ns)
    assert.equal(of(undefined, { 'x-moorage-proxy': 'another secret, as long', 'x-moorage-namespace': ns }), undefined)
    assert.equal(of(undefined, { 'x-moorage-proxy': proxySecret, 'x-moorage-namespace': ns }, ''), undefined)
    assert.equal(of(undefined, { 'x-moorage-namespace': ns }), undefined)
    assert.equal(of(undefined), undefined)
  })

  it('names the variable that cannot be used', () => {
    for (const [env, words] of [[{}, /variable STORE/], [{ STORE: 'http://x' }, /variable STORE.*Redis/], [{ STORE: 'redis://x', POLICIES: '{"a":{"limits":{"memory":1}}}' }, /POLICIES\.a\.limits\.memory/],
      [{ STORE: 'redis://x', PROXY_SECRET: 'short' }, /PROXY_SECRET/]] as const) {
      assert.throws(() => settingsOf(env), { status: 500, message: words })
    }
  })
})

describe('the Worker alone', () => {
  let redis: RedisServer
  let worker: Worker
  before(async () => {
    redis = await startRedis()
    worker = await startWorker({ STORE: redis.url, PROXY_SECRET: proxySecret })
  })
  after(async () => {
    await worker?.stop()
    await redis?.stop()
  })

  it('says that it founds no farm, and that its store is away', async () => {
    const asked = { method: 'GET', path: '/_ping', namespace: ns }
    const unfounded = await sendToWorker(worker, asked)
    assert.deepEqual([unfounded.status, /no farm yet.*moorage serve --store/.test(unfounded.json.message)], [503, true])
    await redis.kill()
    const away = await sendToWorker(worker, asked)
    assert.deepEqual([away.status, /store does not answer \(Redis: /.test(away.json.message)], [503, true], away.text)
    await redis.start()
    assert.match((await sendToWorker(worker, asked)).text, /no farm yet/)
  })
})
