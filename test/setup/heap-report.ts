import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Loaded into a gateway by NODE_OPTIONS: at SIGUSR2 it collects garbage and writes the bytes that are still in use to MOORAGE_TEST_HEAP. */
setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')
const file = process.env['MOORAGE_TEST_HEAP']

if (file !== undefined) {
  process.on('SIGUSR2', () => {
    collect()
    // What only finalizers let go of is let go of by the next.
    setImmediate(() => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      writeFileSync(file, String(heapUsed + external))
    })
  })
}
