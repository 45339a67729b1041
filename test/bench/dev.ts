import { randomBytes } from 'node:crypto'
import { startWorld } from './world.ts'
import { tarOf } from './archives.ts'
import { megabyte, send } from './transfers.ts'
import { cpuSeconds } from './measure.ts'
process.setMaxListeners(0)
const world = await startWorld()
const n = Number(process.argv[2] ?? 3)
try {
  for (let i = 0; i < n; i++) {
    const tar = tarOf({ Dockerfile: Buffer.from('FROM busybox\nCOPY Dockerfile /\n'), big: randomBytes(256 * megabyte) })
    const { direct, gateway } = world.sides.unix
    for (const [name, side, path] of [['direct v1', direct, '/build?t=bench/classic'], ['direct v2', direct, '/build?version=2&t=bench/classic'], ['gateway', gateway, '/build?t=bench/classic']] as const) {
      const before = cpuSeconds(world.gateway.pid)
      const { value } = await send(side, { method: 'POST', path }, tar)
      console.log(name, value.toFixed(0), 'MB/s', (cpuSeconds(world.gateway.pid) - before).toFixed(2), 's')
    }
  }
} finally { if (process.env.PROF?.includes("trace")) { const l = world.gateway.log().split("\n"); console.log("scavenges", l.filter((x) => /Scavenge/.test(x)).length, "mark", l.filter((x) => /Mark-Compact/.test(x)).length) } await world.stop() }
process.exit()
