import { randomBytes } from 'node:crypto'
import { startRegistry } from '../../setup/registry.ts'
import { imageArchive } from '../archives.ts'
import { now } from '../measure.ts'
import { once, type Measured, type Row } from '../row.ts'
import { download, megabyte, megabytesPerSecond, send } from '../transfers.ts'
import type { Side, World } from '../world.ts'

const size = 64 * megabyte

/** An image with a layer that nothing compresses, on both sides under one name. */
function image(world: World): Promise<string> {
  return once(world, 'image', async () => {
    const archive = imageArchive('bench/image:1', randomBytes(size))
    for (const side of Object.values(world.sides.unix)) await send(side, { method: 'POST', path: '/images/load?quiet=1' }, archive)
    return 'bench/image:1'
  })
}

/** To a registry that has nothing yet, beside the engine. */
async function push(world: World, side: Side, name: string): Promise<Measured> {
  const registry = await startRegistry(world.engine)
  try {
    const repository = `${registry.address}/bench/pushed`
    await side.ask({ method: 'POST', path: `/images/${name}/tag?repo=${repository}&tag=1` })
    const start = now()
    const { body } = await side.ask({ method: 'POST', path: `/images/${repository}/push?tag=1`, headers: { 'X-Registry-Auth': 'e30=' } })
    if (/"error"/.test(String(body))) throw new Error(String(body))
    const measured = megabytesPerSecond(size, start)
    await side.ask({ method: 'DELETE', path: `/images/${repository}:1` })
    return measured
  } finally {
    registry.stop()
  }
}

/** Images on their way to and from registries and archives. */
export const images: readonly Row[] = [
  row('push', async (world) => { const name = await image(world); return (side) => push(world, side, name) }, 5),
  row('save', async (world) => { const name = await image(world); return (side) => download(side, `/images/${name}/get`) }),
  row('load', async () => {
    const tar = imageArchive('bench/load:1', randomBytes(128 * megabyte))
    return (side) => send(side, { method: 'POST', path: '/images/load?quiet=1' }, tar)
  }),
]

function row(name: string, prepare: Row['prepare'], rounds?: number): Row {
  return { name, unit: 'MB/s', figure: 'ratio', more: true, goal: 0.6, cpu: 'GB', prepare, ...(rounds && { rounds }) }
}
