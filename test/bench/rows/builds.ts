import { randomBytes } from 'node:crypto'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildContext } from '../../setup/build-context.ts'
import { docker } from '../../setup/cli.ts'
import { until } from '../../setup/processes.ts'
import { tarOf } from '../archives.ts'
import { delayed } from '../delay.ts'
import { now, openFiles, residentBytes } from '../measure.ts'
import { once, type Measured, type Row } from '../row.ts'
import { megabyte, send } from '../transfers.ts'
import type { Side, World } from '../world.ts'

const steps = (count: number) => Array.from({ length: count }, (_, index) => `RUN echo step ${index} of $TURN`)
/** The context arrives and is looked at, without being copied into a layer. */
const looksAt = 'RUN --mount=type=bind,target=/context true'

/** A folder of that many files of 1 MB that nothing compresses. */
function folderOf(world: World, files: number): Promise<string> {
  return once(world, `folder of ${files}`, async () => {
    const folder = buildContext({})
    for (let index = 0; index < files; index++) writeFileSync(join(folder, `file${index}`), randomBytes(megabyte))
    return folder
  })
}

let turns = 0

/** Builds a folder with that Dockerfile; with other times on its files all of them are sent again. */
async function built(env: Record<string, string>, folder: string, lines: readonly string[]): Promise<Measured> {
  const changed = Date.now() / 1000 - ++turns
  const files = readdirSync(folder).filter((name) => name.startsWith('file'))
  for (const name of files) utimesSync(join(folder, name), changed, changed)
  writeFileSync(join(folder, 'Dockerfile'), ['FROM busybox', `ARG TURN=${process.pid}-${turns}`, ...lines].join('\n'))
  const start = now()
  await docker(env, ['build', '-q', '-t', 'bench/built', folder], { timeout: 600_000 })
  return { value: now() - start, units: files.length * megabyte / 1e9 }
}

function row(name: string, goal: number, files: number, lines: readonly string[], more: Partial<Row> = {}): Row {
  return {
    name, unit: 'ms', figure: 'ratio', more: false, goal, cpu: files > 0 ? 'GB' : 'call', rounds: 5,
    async prepare(world) {
      const folder = await folderOf(world, files)
      return (side) => built(side.env, folder, lines)
    },
    ...more,
  }
}

/** The same address at the other end of a slow line. */
async function slowly(world: World, { gateway, env }: Side): Promise<Record<string, string>> {
  return once(world, `slow line to ${gateway ? 'the gateway' : 'the engine'}`, async () => {
    const { hostname, port } = new URL(env['DOCKER_HOST']!)
    return { ...env, DOCKER_HOST: `tcp://127.0.0.1:${await delayed(hostname, Number(port), 10)}` }
  })
}

/** Megabytes that the gateway takes more at the worst moment of many builds at once. Throws when it keeps descriptors of them. */
async function atOnce(world: World, side: Side, count: number): Promise<number> {
  const folders = Array.from({ length: count }, () => buildContext({}))
  await built(side.env, folders[0]!, [])
  const [files, before] = [openFiles(world.gateway.pid), residentBytes(world.gateway.pid)]
  let most = before
  const looking = setInterval(() => { most = Math.max(most, residentBytes(world.gateway.pid)) }, 50)
  await Promise.all(folders.map((folder) => built(side.env, folder, steps(3))))
  clearInterval(looking)
  await until(() => openFiles(world.gateway.pid) <= files, `The gateway lets go of its descriptors; it had ${files}`)
  return (most - before) / megabyte
}

/** Builds as people run them, with the Docker CLI; its own start is in every figure, on both sides. */
export const builds: readonly Row[] = [
  row('build-steps', 1.05, 300, [looksAt, ...steps(30)]),
  row('build-context', 1.12, 300, [looksAt]),
  row('build-slow-line', 1.3, 60, [looksAt, ...steps(5)], {
    transports: ['tls'],
    async prepare(world) {
      const folder = await folderOf(world, 60)
      return async (side) => built(await slowly(world, side), folder, [looksAt, ...steps(5)])
    },
  }),
  row('build-small', 1.3, 0, steps(1)),
  {
    name: 'build-20-at-once', unit: 'MB more', figure: 'alone', more: false, goal: 30, rounds: 1,
    async prepare(world) {
      const fresh = await world.another()
      return async (_side, transport) => {
        await fresh.gateway.restart()
        return { value: await atOnce(fresh, fresh.sides[transport].gateway, 20) }
      }
    },
  },
  {
    name: 'build-classic', unit: 'MB/s', figure: 'ratio', more: true, goal: 0.7, cpu: 'GB', rounds: 5,
    async prepare() {
      const tar = tarOf({ Dockerfile: Buffer.from('FROM busybox\nCOPY Dockerfile /\n'), big: randomBytes(256 * megabyte) })
      return (side) => send(side, { method: 'POST', path: '/build?t=bench/classic' }, tar)
    },
  },
]
