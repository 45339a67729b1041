import { Redis } from 'ioredis'
import type { Engine, OwnEngine } from '../setup/engine.ts'
import { call, openDirectly, operate, startFarm, type Direct } from '../setup/farm.ts'
import type { Gateway } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { startRedis } from '../setup/redis.ts'
import { random, type Random } from './random.ts'

export interface SoakOptions {
  engines: readonly (Engine | OwnEngine)[]
  /** How many are opened, and how many live at one time. */
  namespaces: number
  atOnce: number
  gateways: number
  /** Kills of gateways, spread over the run. */
  kills: number
  /** Kills of engines likewise; these must be of our own. */
  engineKills: number
  seed: number
  say(line: string): void
}

export interface SoakReport {
  opened: number
  /** Answers by status, `lost` where a gateway died before it answered. */
  answers: Record<string, number>
  kills: number
  engineKills: number
  /** What is left on engines and in Redis; nothing, if all is well. */
  left: string[]
}

/**
 * Opens namespaces and uses them by random calls at random gateways while gateways (and engines) are killed, closes four of five and leaves the rest to
 * their leases, and looks at the end for what is left.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { engines, say, namespaces } = options
  const chance = random(options.seed)
  const redis = await startRedis()
  const gateways = await startFarm(redis, undefined, options.gateways, {
    hosts: engines.map(({ socket }, at) => ({ name: `host-${at}`, url: `unix://${socket}` })), probe: { every: 1, patience: 20 }, policies: { default: { idle: 20 } },
  })
  const report: SoakReport = { opened: 0, answers: {}, kills: 0, engineKills: 0, left: [] }
  const world: World = { gateways, chance, report, mark: (await openedAnywhere(gateways, chance)).id.slice(0, 4) }
  try {
    let begun = 0
    const job = async () => {
      while (begun++ < namespaces) {
        await oneJob(world)
        if (report.opened % 50 === 0) say(`${report.opened} namespaces opened`)
      }
    }
    const done = Promise.all(Array.from({ length: options.atOnce }, job))
    const chaos = killing(world, options, () => report.opened / namespaces)
    await done
    await chaos
    say('every job is done; waiting for the leases of those that did not close theirs')
    report.left = await remains(engines, redis.url, world.mark)
    return report
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await redis.stop()
  }
}

interface World {
  gateways: Gateway[]
  chance: Random
  report: SoakReport
  mark: string
}

async function openedAnywhere(gateways: Gateway[], chance: Random): Promise<Direct> {
  let opened: Direct | undefined
  await until(async () => {
    opened = await openDirectly(chance.pick(gateways)).catch(() => undefined)
    return opened !== undefined
  }, 'A namespace is opened', 120_000)
  return opened!
}

async function oneJob({ gateways, chance, report }: World): Promise<void> {
  const namespace = await openedAnywhere(gateways, chance)
  report.opened++
  for (let calls = 3 + chance.below(7); calls > 0; calls--) {
    const together = 1 + chance.below(3)
    await Promise.all(Array.from({ length: together }, async () => {
      const [method, path, body] = chance.pick(work)(chance)
      const status = await call(chance.pick(gateways), namespace, method, path, body).then((answer) => String(answer.status), () => 'lost')
      report.answers[status] = (report.answers[status] ?? 0) + 1
    }))
  }
  if (chance.below(5) > 0) await closed(gateways, chance, namespace.id)
}

/** Closed by its CI, which tries again when it gets no answer. */
async function closed(gateways: Gateway[], chance: Random, id: string): Promise<void> {
  await until(async () => {
    const status = await operate(chance.pick(gateways), 'DELETE', `/namespaces/${id}`).then((answer) => answer.status, () => 0)
    return status === 200 || status === 404
  }, `Namespace ${id} is closed`, 120_000)
}

type Request = [method: string, path: string, body?: unknown]

/** What jobs do; few names, so that calls meet. */
const work: ((chance: Random) => Request)[] = [
  (chance) => ['POST', `/containers/create?name=c${chance.below(4)}`, {
    Image: 'busybox:latest', Cmd: ['sleep', String(chance.below(30))], HostConfig: { AutoRemove: chance.below(2) === 0, Binds: [`v${chance.below(3)}:/data`] },
  }],
  (chance) => ['POST', `/containers/c${chance.below(4)}/start`],
  (chance) => ['POST', `/containers/c${chance.below(4)}/start`],
  (chance) => ['DELETE', `/containers/c${chance.below(4)}?force=1&v=1`],
  (chance) => ['POST', `/containers/c${chance.below(4)}/kill`],
  (chance) => ['POST', `/containers/c${chance.below(4)}/rename?name=c${chance.below(4)}`],
  (chance) => ['POST', '/networks/create', { Name: `n${chance.below(2)}` }],
  (chance) => ['DELETE', `/networks/n${chance.below(2)}`],
  (chance) => ['POST', `/networks/n${chance.below(2)}/connect`, { Container: `c${chance.below(4)}` }],
  (chance) => ['POST', '/volumes/create', { Name: `v${chance.below(3)}` }],
  (chance) => ['DELETE', `/volumes/v${chance.below(3)}`],
  (chance) => ['POST', `/images/busybox/tag?repo=app&tag=t${chance.below(3)}`],
  (chance) => ['DELETE', `/images/app:t${chance.below(3)}`],
  (chance) => ['POST', `/commit?container=c${chance.below(4)}&repo=committed&tag=latest`, {}],
  () => ['GET', '/containers/json?all=1'],
  () => ['POST', '/containers/prune'],
  () => ['POST', '/volumes/prune'],
]

/** Kills one thing after the other as the run goes on, and starts it again. */
async function killing({ gateways, chance, report }: World, { kills, engineKills, engines }: SoakOptions, progress: () => number): Promise<void> {
  const total = kills + engineKills
  for (let nth = 1; nth <= total; nth++) {
    await until(() => progress() >= nth / (total + 1), 'The run goes on', 3_600_000)
    if (chance.below(total) < engineKills && report.engineKills < engineKills) {
      const engine = chance.pick(engines) as OwnEngine
      await engine.kill()
      await engine.start()
      report.engineKills++
    } else {
      const gateway = chance.pick(gateways)
      await gateway.kill()
      await gateway.restart()
      report.kills++
    }
  }
}

/** Waits until nothing of the farm is left on engines and in Redis, and tells what is left after two minutes. */
async function remains(engines: readonly Engine[], redisUrl: string, mark: string): Promise<string[]> {
  const client = new Redis(redisUrl)
  let left: string[] = []
  await until(async () => {
    left = [...(await Promise.all(engines.map((engine) => onEngine(engine, mark)))).flat(), ...await inRedis(client)]
    return left.length === 0
  }, 'Nothing is left', 180_000).catch(() => {})
  client.disconnect()
  return left
}

async function onEngine(engine: Engine, mark: string): Promise<string[]> {
  const lists = [['ps', '-a', '--format', '{{.Names}}'], ['network', 'ls', '--format', '{{.Name}}'], ['volume', 'ls', '-q'], ['images', '--format', '{{.Repository}}:{{.Tag}}']]
  const found = (await Promise.all(lists.map((args) => engine.docker(...args)))).flatMap((text) => text.split('\n'))
  return found.filter((name) => name.startsWith(mark) || name.startsWith(`moorage.invalid/${mark}`))
}

/** What a farm without namespaces keeps: hosts, secrets, what was closed lately, duties and turns, which end by themselves. */
const usual = /^moorage:(\{farm\}:(kept|hosts|closings)|duty:.*|.*turn.*)$/

async function inRedis(client: Redis): Promise<string[]> {
  return (await client.keys('*')).filter((key) => !usual.test(key))
}
