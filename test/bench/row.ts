import type { Side, Transport, World } from './world.ts'

/** What one measurement gave: the figure, and how many units of work the gateway did, by which its CPU time is divided. */
export interface Measured {
  value: number
  units?: number
}

/** How a row is read. */
export interface Row {
  name: string
  /** What is measured, e.g. `requests/s`, `MB/s`, `ms`. */
  unit: string
  /**
   * `ratio`: gateway / direct. `added`: gateway - direct. `alone`: the gateway's value by itself.
   */
  figure: 'ratio' | 'added' | 'alone'
  /** Is a larger figure better? */
  more: boolean
  goal: number
  /** What gateway CPU is divided by: shown as microseconds per call or seconds per GB. */
  cpu?: 'call' | 'GB'
  /** Both, unless said. */
  transports?: readonly Transport[]
  /** Rounds are cut down to this many, for rows that take long. */
  rounds?: number
  /** Makes ready once and answers what is done in every round on every side. */
  prepare(world: World): Promise<(side: Side, transport: Transport, world: World) => Promise<Measured>>
}

/** Things a world has only once, made when the first row wants them. */
const made = new WeakMap<World, Map<string, Promise<any>>>()

export function once<T>(world: World, key: string, make: () => Promise<T>): Promise<T> {
  const things = made.get(world) ?? new Map()
  made.set(world, things)
  if (!things.has(key)) things.set(key, make())
  return things.get(key)
}
