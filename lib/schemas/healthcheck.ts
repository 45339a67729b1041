/** `Healthcheck` (Engine API, HealthConfig): a command the engine runs again and again. */
import { Refusal } from '../refusal.ts'
import { duration, int64, pass, quota, struct, textList, type Check, type ReadBy } from '../schema.ts'

const millisecond = 1_000_000

/** Each check costs the engine a process; the engine itself would start one every millisecond. */
const shortest = 500 * millisecond

type Nanoseconds = number | bigint

/** Zero is the engine's default. Throws `Refusal` 400 with the engine's text (daemon/container.go, validateHealthCheck). */
function atLeastMillisecond(name: string): Check<Nanoseconds> {
  return (value, at) => {
    if (value != 0 && value < millisecond) throw new Refusal(400, `${name} in Healthcheck cannot be less than 1ms`, at)
  }
}

/** Shorter pauses are made 500 ms long, as `docker inspect` then shows. */
function atLeastShortest(name: string): Check<Nanoseconds> {
  return (value, at) => {
    atLeastMillisecond(name)(value, at)
    return value != 0 && value < shortest ? shortest : value
  }
}

export const healthcheck = struct('container.HealthConfig', {
  Test: pass(textList),
  Interval: quota(duration, atLeastShortest('Interval')),
  Timeout: pass(duration, atLeastMillisecond('Timeout')),
  StartPeriod: pass(duration, atLeastMillisecond('StartPeriod')),
  StartInterval: quota(duration, atLeastShortest('StartInterval')),
  Retries: pass({ ...int64, go: 'int' }, (retries, at) => {
    if (retries < 0) throw new Refusal(400, 'Retries in Healthcheck cannot be negative', at)
  }),
})

type Healthcheck = ReadBy<typeof healthcheck>

/** What a container's own check has to say so that it inherits no shorter pauses from its image than it may have itself. */
export function slowed(own: Healthcheck | undefined, inImage: { Interval?: unknown; StartInterval?: unknown } | null | undefined): Healthcheck | undefined {
  const short = (['Interval', 'StartInterval'] as const).filter((name) => {
    const inherited = Number(inImage?.[name] ?? 0)
    return Number(own?.[name] ?? 0) === 0 && inherited > 0 && inherited < shortest
  })
  return short.length === 0 ? own : { ...own, ...Object.fromEntries(short.map((name) => [name, shortest])) }
}
