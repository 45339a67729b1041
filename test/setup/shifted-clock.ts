import { readFileSync } from 'node:fs'

/** Loaded into a gateway with `--import`: its time of day is off by the milliseconds in the file MOORAGE_TEST_CLOCK, read anew at SIGUSR2. */
const read = () => Number(readFileSync(process.env['MOORAGE_TEST_CLOCK']!, 'utf8'))
let by = read()
process.on('SIGUSR2', () => { by = read() })

const Real = Date
globalThis.Date = class extends Real {
  constructor(...given: [] | [number]) {
    if (given.length === 0) super(Real.now() + by)
    else super(...given)
  }

  static override now(): number {
    return Real.now() + by
  }
} as DateConstructor
