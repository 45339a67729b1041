import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { cpuSeconds, median, quantile } from './measure.ts'
import type { Measured, Row } from './row.ts'
import { builds } from './rows/builds.ts'
import { images } from './rows/images.ts'
import { life } from './rows/life.ts'
import { ports } from './rows/ports.ts'
import { small } from './rows/small.ts'
import { streams } from './rows/streams.ts'
import { startWorld, type Side, type Transport, type World } from './world.ts'

/**
 * `npm run bench [-- --only NAME[,NAME...], of rows and of groups of them, --rounds N --transport unix|tls]`: every row against the bare engine, interleaved, in one
 * run. The engine itself is asked by the same transport: its unix socket, or its own mTLS. Figures are medians of the rounds' ratios.
 */
const { values } = parseArgs({ options: { only: { type: 'string' }, rounds: { type: 'string', default: '11' }, transport: { type: 'string' } } })
const groups: Readonly<Record<string, readonly Row[]>> = { small, streams, images, builds, life, ports }
const rows = Object.values(groups).flat()

function selected(): readonly Row[] {
  const names = values.only?.split(',')
  const unknown = names?.find((name) => !groups[name] && !rows.some((row) => row.name === name))
  if (unknown !== undefined) throw new Error(`There is no row ${unknown}; there are ${Object.entries(groups).map(([group, own]) => `${group} (${own.map((row) => row.name).join(', ')})`).join(', ')}`)
  return names ? rows.filter((row) => names.some((name) => name === row.name || groups[name]?.includes(row))) : rows
}

interface Samples { direct: number[]; gateway: number[]; cpu: number[] }

async function measured(row: Row, world: World): Promise<Map<Transport, Samples>> {
  const work = await row.prepare(world)
  const transports = (row.transports ?? ['unix', 'tls'] as const).filter((one) => !values.transport || one === values.transport)
  const samples = new Map(transports.map((transport) => [transport, { direct: [], gateway: [], cpu: [] } as Samples]))
  const rounds = Math.min(Number(values.rounds), row.rounds ?? Infinity)
  // One more, whose figures are dropped, unless a row is so long that it is done once.
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round++) {
    for (const [transport, sample] of samples) {
      const { direct, gateway } = world.sides[transport]
      const turns: Side[] = row.figure === 'alone' ? [gateway] : round % 2 === 0 ? [direct, gateway] : [gateway, direct]
      for (const side of turns) await turn(side, transport, round === 0 ? undefined : sample)
    }
  }
  return samples

  async function turn(side: Side, transport: Transport, sample: Samples | undefined): Promise<void> {
    const before = pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0)
    const { value, units }: Measured = await work(side, transport, world)
    const spent = pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0) - before
    sample?.[side.gateway ? 'gateway' : 'direct'].push(value)
    if (side.gateway && units) sample?.cpu.push(spent / units)
  }
  /** Every gateway of this process: a row uses one of them, the others rest. */
  function pids(): number[] {
    return world.gateways().map((gateway) => gateway.pid)
  }
}

function line(row: Row, transport: Transport, { direct, gateway, cpu }: Samples): string {
  const figures = gateway.map((value, round) => row.figure === 'alone' ? value : row.figure === 'added' ? value - direct[round]! : value / direct[round]!)
  const figure = median(figures)
  const reached = row.more ? figure >= row.goal : figure <= row.goal
  const spent = row.cpu && cpu.length > 0 ? row.cpu === 'GB' ? `${median(cpu).toFixed(2)} s/GB` : `${(median(cpu) * 1e6).toFixed(0)} µs` : ''
  const cells = [
    row.name, transport, row.unit, direct.length > 0 ? short(median(direct)) : '', short(median(gateway)),
    `${short(figure)} (${short(quantile(figures, 0.25))}-${short(quantile(figures, 0.75))})`, `${row.more ? '≥' : '≤'} ${row.goal}`, reached ? 'yes' : 'no', spent,
  ]
  return `| ${cells.join(' | ')} |`
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}

process.setMaxListeners(0)
const wanted = selected()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
const world = await startWorld()
console.log(`Load before: ${loadavg().map((load) => load.toFixed(1)).join(' ')}\n`)
console.log('| row | by | unit | direct | gateway | figure (quartiles) | goal | reached | gateway CPU |\n|---|---|---|---|---|---|---|---|---|')
try {
  for (const row of wanted) {
    for (const [transport, samples] of await measured(row, world)) console.log(line(row, transport, samples))
  }
} finally {
  console.log(`\nLoad after: ${loadavg().map((load) => load.toFixed(1)).join(' ')}`)
  await world.stop()
}
process.exit()
