import { parseArgs } from 'node:util'
import { clearLeftovers } from '../setup/engine-directory.ts'
import { startEngine } from '../setup/engine.ts'
import { importBusybox } from '../setup/images.ts'
import { progress } from '../../infra/cli/progress.ts'
import { soak } from './soak.ts'

/**
 * `npm run soak [-- --namespaces 500 --gateways 2 --engines 2 --kills 20 --engine-kills 4 --at-once 12 --seed N]`: exit code 1 when something is left.
 */
const { values } = parseArgs({
  options: {
    namespaces: { type: 'string', default: '500' }, gateways: { type: 'string', default: '2' }, engines: { type: 'string', default: '2' },
    kills: { type: 'string', default: '20' }, 'engine-kills': { type: 'string', default: '0' }, 'at-once': { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
const engines = await Promise.all(Array.from({ length: Number(values.engines) }, () => startEngine()))
await Promise.all(engines.map((engine) => importBusybox(engine)))
console.log(`seed ${values.seed}`)
const began = Date.now()
const shown = progress()
const report = await soak({
  engines, namespaces: Number(values.namespaces), gateways: Number(values.gateways), atOnce: Number(values['at-once']), kills: Number(values.kills),
  engineKills: Number(values['engine-kills']), seed: Number(values.seed), say: shown.show,
})
shown.end()
for (const engine of engines) engine.stop()
clearLeftovers()
console.log(JSON.stringify({ seconds: Math.round((Date.now() - began) / 1000), ...report }, undefined, 2))
process.exit(report.left.length > 0 ? 1 : 0)
