/** `Healthcheck` (Engine API, HealthConfig): a command the engine runs again and again. */
import { Refusal } from '../refusal.ts'
import { duration, int64, pass, quota, struct, textList, type Check } from '../schema.ts'

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
