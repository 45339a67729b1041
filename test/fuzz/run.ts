import { inspect, parseArgs } from 'node:util'
import { mutants } from './mutate.ts'
import { targets, type Target } from './targets.ts'

/** What an input did that no input may do. */
export interface Failure {
  target: string
  seed: number
  /** Which input of that seed, from 0. */
  at: number
  bytes: Buffer
  error: unknown
}

/** Runs a target on so many inputs of a seed, or until the time is over. */
export async function fuzz(target: Target, seed: number, { inputs, until = Infinity }: { inputs: number; until?: number }): Promise<{ ran: number; failure?: Failure }> {
  let at = 0
  for (const bytes of mutants(target.seeds, seed)) {
    if (at >= inputs || Date.now() >= until) return { ran: at }
    try {
      await target.run(bytes)
    } catch (error) {
      return { ran: at, failure: { target: target.name, seed, at, bytes, error } }
    }
    at++
  }
  return { ran: at }
}

export function told({ target, seed, at, bytes, error }: Failure): string {
  return `${target}, seed ${seed}, input ${at}: ${inspect(error)}\n${JSON.stringify(bytes.toString('latin1')).slice(0, 2000)}\nbase64: ${bytes.toString('base64').slice(0, 4000)}`
}

/** `npm run fuzz [-- --minutes 10] [--target TEXT] [--seed N]`: all targets in turns with new seeds, until the time is over or one fails. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, target: { type: 'string', default: '' }, seed: { type: 'string' } } })
  const chosen = (await targets()).filter(({ name }) => name.includes(values.target))
  const until = Date.now() + Number(values.minutes) * 60_000
  const counts = new Map<string, number>()
  for (let seed = Number(values.seed ?? Date.now() % 2 ** 31); Date.now() < until; seed++) {
    for (const target of chosen) {
      const { ran, failure } = await fuzz(target, seed, { inputs: 2000, until })
      counts.set(target.name, (counts.get(target.name) ?? 0) + ran)
      if (failure === undefined) continue
      console.error(told(failure))
      return 1
    }
  }
  for (const [name, count] of counts) console.log(`${name}: ${count} inputs`)
  return 0
}

if (import.meta.main) process.exitCode = await main()
