import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Bytes in short-lived buffers between two collections of young objects. What one of them finds is only given back by the next, and V8 marks
 * everything well before 64 MB: with 16 here it still did, once the heap had been in use for a while; with 4 nothing more was gained.
 */
const often = 8 * 1024 * 1024

/** V8's collector (v8, `--expose-gc`). */
type Collect = (options: { type: 'minor' }) => void

let collect: Collect | undefined
let since = 0

/**
 * Says that so many bytes were read into buffers that are soon garbage. V8 does not count such bytes as young: it sees what lies outside its heap
 * grow, and marks the whole heap for it again and again, which is half of the CPU of a large upload. A collection of the young objects alone
 * finds these buffers at a hundredth of the cost.
 */
export function passed(bytes: number): void {
  since += bytes
  if (since < often) return
  since = 0
  collect ??= collector()
  collect({ type: 'minor' })
}

function collector(): Collect {
  setFlagsFromString('--expose-gc')
  const found: unknown = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  return typeof found === 'function' ? found as Collect : () => {}
}
