import { startGateway } from '../../setup/gateway.ts'
import { now, rate, residentBytes } from '../measure.ts'
import { once, type Row } from '../row.ts'
import { asker, begin } from '../wire.ts'
import type { Side, Transport, World } from '../world.ts'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Milliseconds from the start of the process to the first answered `_ping` of a namespace that was there before. */
async function restart(world: World): Promise<number> {
  await world.gateway.stop()
  const start = now()
  const restarted = world.gateway.restart()
  for (;;) {
    const answered = await world.sides.tls.gateway.ask({ method: 'GET', path: '/_ping' }).then(() => true, () => false)
    if (answered) break
    await sleep(5)
  }
  const taken = now() - start
  await restarted
  return taken
}

/** KiB of the gateway's memory per connection that waits. */
async function idle(world: World, side: Side, count: number, open: (side: Side) => Promise<{ destroy(): void }>): Promise<number> {
  await side.ask({ method: 'GET', path: '/_ping' })
  const before = residentBytes(world.gateway.pid)
  const sockets: { destroy(): void }[] = []
  for (let at = 0; at < count; at += 50) sockets.push(...await Promise.all(Array.from({ length: 50 }, () => open(side))))
  await sleep(2000)
  const after = residentBytes(world.gateway.pid)
  for (const socket of sockets) socket.destroy()
  await sleep(1000)
  return (after - before) / 1024 / count
}

function sleeper(world: World): Promise<string> {
  return once(world, 'sleeper', async () => {
    const side = world.sides.unix.gateway
    const body = { Image: 'busybox', Cmd: ['sleep', '100000'], OpenStdin: true, HostConfig: { NetworkMode: 'none' } }
    const { Id } = JSON.parse(String((await side.ask({ method: 'POST', path: '/containers/create', body })).body))
    await side.ask({ method: 'POST', path: `/containers/${Id}/start` })
    return Id
  })
}

/** Execs made per second, each of which the engine tells to every events reader, beside a reader that has stopped reading. */
async function besideStalled(side: Side, container: string, stalled: boolean) {
  const reader = stalled ? await side.connect() : undefined
  if (reader) await begin(reader, { method: 'GET', path: '/events' })
  const client = asker(await side.connect())
  const make = () => client.ask({ method: 'POST', path: `/containers/${container}/exec`, body: { AttachStdout: true, Cmd: ['true'] } })
  // Until what the stalled reader was told fills every buffer on the way to it.
  await rate([make], stalled ? 6000 : 500)
  const { perSecond } = await rate([make], 2000)
  client.close()
  reader?.destroy()
  return perSecond
}

const connections = 1000
const both = ['unix', 'tls'] as const

function idleRow(name: string, open: (container: string) => (side: Side) => Promise<{ destroy(): void }>): Row {
  return {
    name, unit: 'KiB each', figure: 'alone', more: false, goal: 8, rounds: 1, transports: both,
    async prepare(world) {
      const fresh = await world.another()
      const id = await sleeper(fresh)
      return async (_side, transport) => {
        await fresh.gateway.restart()
        await sleep(2000)
        return { value: await idle(fresh, fresh.sides[transport].gateway, connections, open(id)) }
      }
    },
  }
}

/** Starting, waiting and standing aside. */
export const life: readonly Row[] = [
  { name: 'start', unit: 'ms', figure: 'alone', more: false, goal: 400, transports: ['tls'], rounds: 9, async prepare(world) {
    const fresh = await once(world, 'starter', () => world.another())
    return async () => ({ value: await restart(fresh) })
  } },
  { name: 'idle-rss', unit: 'MiB', figure: 'alone', more: false, goal: 100, transports: ['tls'], rounds: 3, async prepare(world) {
    return async () => {
      const gateway = await startGateway({ engineSocket: world.engine.socket })
      await sleep(5000)
      const value = residentBytes(gateway.pid) / 1024 / 1024
      await gateway.stop()
      return { value }
    }
  } },
  idleRow('idle-attach', (id) => async (side) => {
    const socket = await side.connect()
    await begin(socket, { method: 'POST', path: `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1` }, { upgrade: true })
    return socket
  }),
  idleRow('idle-events', () => async (side) => {
    const socket = await side.connect()
    await begin(socket, { method: 'GET', path: '/events' })
    return socket
  }),
  { name: 'stalled-events', unit: 'x as fast as without', figure: 'alone', more: true, goal: 0.95, transports: ['unix'], rounds: 1, async prepare(world) {
    const fresh = await world.another()
    const id = await sleeper(fresh)
    return async (_side: Side, transport: Transport) => {
      const [without, beside] = [await besideStalled(fresh.sides[transport].gateway, id, false), await besideStalled(fresh.sides[transport].gateway, id, true)]
      const [bareWithout, bareBeside] = [await besideStalled(fresh.sides[transport].direct, id, false), await besideStalled(fresh.sides[transport].direct, id, true)]
      process.stderr.write(`beside a stalled reader: gateway ${without.toFixed(0)} -> ${beside.toFixed(0)}, bare engine ${bareWithout.toFixed(0)} -> ${bareBeside.toFixed(0)} execs/s\n`)
      return { value: beside / without }
    }
  } },
]
