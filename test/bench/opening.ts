import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import { Pool } from 'undici'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requestCertificate } from '../../infra/issue.ts'
import { startEngine } from '../setup/engine.ts'
import { call, operate, openDirectly, startFarm } from '../setup/farm.ts'
import { importBusybox } from '../setup/images.ts'
import { startIssuer } from '../setup/issuer.ts'
import { startRedis } from '../setup/redis.ts'
import { cpuSeconds, median, quantile } from './measure.ts'

/**
 * `node test/bench/opening.ts`: what opening, keeping and closing namespaces costs on two gateways before one Redis and one engine. The namespaces
 * opened for their rate have no control groups, whose making the engine would be measured by.
 */
const count = Number(process.argv[2] ?? 1000)
process.setMaxListeners(0)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
const [engine, redis] = await Promise.all([startEngine(), startRedis()])
await importBusybox(engine)
const issuer = await startIssuer()
const audience = 'https://gateway.example'
const gateways = await startFarm(redis, engine, 2, { controlGroups: 'off', oidc: [{ issuer: issuer.url, audience: [audience], rules: [{ when: {}, domain: '{sub}' }] }] })
const client = new Redis(redis.url)
const memory = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
const spent = () => gateways.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0)
const print = (what: string, figure: string) => console.log(`| ${what} | ${figure} |`)

try {
  console.log('| what | figure |\n|---|---|')
  await openMany(50, 4)
  const before = await memory()
  const one = await openMany(100, 1)
  print('opening, one after the other, p50', `${median(one.times).toFixed(1)} ms`)
  const asJobs = await openMany(100, 1, await wishes(100))
  print('the same by jobs, with an OIDC token and a certificate for their own key, p50', `${median(asJobs.times).toFixed(1)} ms`)
  const spentBefore = spent()
  const many = await openMany(count, 32)
  print(`opening ${count} by 32 at a time on two gateways`, `${(count / many.seconds).toFixed(0)} a second, p50 ${median(many.times).toFixed(0)} ms, p95 ${quantile(many.times, 0.95).toFixed(0)} ms`)
  print('gateways\' CPU for an opening, TLS connection kept', `${((spent() - spentBefore) / count * 1000).toFixed(1)} ms`)
  print('Redis, for each namespace that has nothing yet', `${((await memory() - before) / (count + 200)).toFixed(0)} bytes`)
  await keeping()
  await closing()
} finally {
  client.disconnect()
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  await redis.stop()
  engine.stop()
  issuer.stop()
}

/** What a job opens with. */
interface Wish { token: string; body: string }

function wishes(number: number): Promise<Wish[]> {
  return Promise.all(Array.from({ length: number }, async (_, nth) =>
    ({ token: await issuer.token({ sub: `project-${nth % 10}`, aud: audience }), body: JSON.stringify({ csr: (await requestCertificate()).csr }) })))
}

/** By the operator, or by jobs with these wishes. */
async function openMany(number: number, atOnce: number, jobs: Wish[] = []): Promise<{ times: number[]; seconds: number }> {
  const pools = gateways.map((gateway) => new Pool(gateway.url, { connections: Math.max(1, atOnce / 2), connect: { ca: readFileSync(join(gateway.stateDir, 'ca.pem'), 'utf8') } }))
  const tokens = gateways.map((gateway) => readFileSync(join(gateway.stateDir, 'operator-token'), 'utf8').trim())
  const times: number[] = []
  let begun = 0
  const began = performance.now()
  await Promise.all(Array.from({ length: atOnce }, async (_, worker) => {
    while (begun++ < number) {
      const { token, body: wish } = jobs.pop() ?? { token: tokens[worker % 2], body: '{}' }
      const from = performance.now()
      const { statusCode, body } = await pools[worker % 2]!.request({
        method: 'POST', path: '/namespaces', body: wish, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      })
      const text = await body.text()
      if (statusCode !== 201) throw new Error(text)
      times.push(performance.now() - from)
    }
  }))
  const seconds = (performance.now() - began) / 1000
  await Promise.all(pools.map((pool) => pool.close()))
  return { times, seconds }
}

/** Store bytes of a namespace as jobs have them: three containers, two networks, two volumes, ten images. */
async function keeping(): Promise<void> {
  const namespace = await openDirectly(gateways[0]!)
  for (let at = 0; at < 3; at++) await created(namespace, `c${at}`)
  for (let at = 0; at < 2; at++) await call(gateways[0]!, namespace, 'POST', '/volumes/create', { Name: `volume${at}` })
  await call(gateways[0]!, namespace, 'POST', '/networks/create', { Name: 'net' })
  for (let at = 0; at < 10; at++) await call(gateways[0]!, namespace, 'POST', `/images/busybox/tag?repo=${createHash('sha256').update(String(at)).digest('hex').slice(0, 20)}&tag=latest`)
  const keys = await client.keys(`*${namespace.id}*`)
  const bytes = await Promise.all(keys.map((key) => client.memory('USAGE', key, 'SAMPLES', 0)))
  print('Redis, for a namespace with 3 containers, 2 networks, 2 volumes, 10 tags', `${bytes.reduce<number>((sum, one) => sum + Number(one), 0)} bytes in ${keys.length} keys`)
  await operate(gateways[1]!, 'DELETE', `/namespaces/${namespace.id}`)
}

async function created(namespace: Awaited<ReturnType<typeof openDirectly>>, name: string): Promise<void> {
  const made = await call(gateways[0]!, namespace, 'POST', `/containers/create?name=${name}`, { Image: 'busybox:latest', Cmd: ['sleep', '1000'] })
  if (made.status !== 201) throw new Error(made.text)
  await call(gateways[0]!, namespace, 'POST', `/containers/${name}/start`)
}

async function closing(): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    const namespace = await openDirectly(gateways[0]!)
    for (let at = 0; at < 20; at++) await created(namespace, `c${at}`)
    const from = performance.now()
    const closed = await operate(gateways[1]!, 'DELETE', `/namespaces/${namespace.id}`)
    if (closed.json.removed.containers.length !== 20 || closed.json.left.length > 0) throw new Error(closed.text)
    times.push((performance.now() - from) / 1000)
  }
  print('closing a namespace with 20 running containers', `${median(times).toFixed(1)} s`)
}
