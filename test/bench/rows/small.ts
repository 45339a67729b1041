import { cli } from '../../setup/cli.ts'
import { latencies, median, now, quantile, rate } from '../measure.ts'
import { once, type Row } from '../row.ts'
import { asker, type Ask } from '../wire.ts'
import type { Side, World } from '../world.ts'

const get = (path: string): Ask => ({ method: 'GET', path })

/** Requests per second over kept connections. */
async function perSecond(side: Side, ask: Ask, connections: number, milliseconds = 1000) {
  const clients = await Promise.all(Array.from({ length: connections }, async () => asker(await side.connect())))
  const { perSecond: value, done } = await rate(clients.map((client) => () => client.ask(ask)), milliseconds)
  for (const client of clients) client.close()
  return { value, units: done }
}

const create = { Image: 'busybox', Cmd: ['sleep', '100000'], HostConfig: { NetworkMode: 'none' } }

async function created(side: Side, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let made = 0; made < count; made++) ids.push(JSON.parse(String((await side.ask({ method: 'POST', path: '/containers/create', body: create })).body)).Id)
  return ids
}

/** Ten containers of the namespace, on an engine that has no others until `crowd`. */
function ten(world: World): Promise<string[]> {
  return once(world, 'ten', () => created(world.sides.unix.gateway, 10))
}

/** An engine by itself with ten own containers, and one with five hundred of others beside them. */
const alone = (world: World): Promise<World> => once(world, 'alone', () => world.another())
const crowded = (world: World): Promise<World> => once(world, 'crowded', async () => {
  const other = await world.another()
  await created(other.sides.unix.direct, 500)
  return other
})

async function pairs(side: Side) {
  const client = asker(await side.connect())
  const { perSecond: value, done } = await rate([async () => {
    const { Id } = JSON.parse(String((await client.ask({ method: 'POST', path: '/containers/create', body: create })).body))
    await client.ask({ method: 'DELETE', path: `/containers/${Id}` })
  }], 2000)
  client.close()
  return { value, units: done }
}

async function runs(side: Side, parallel: number) {
  const start = now()
  const ended = await Promise.all(Array.from({ length: parallel }, () => cli(side.env, ['run', '--rm', 'busybox', 'true'])))
  const failed = ended.find(({ status }) => status !== 0)
  if (failed) throw new Error(`docker run: ${failed.stderr}`)
  return { value: now() - start, units: parallel }
}

/** A handshake of its own and the first answer. */
async function handshake(side: Side) {
  const turns = await latencies(40, async () => {
    const client = asker(await side.connect())
    await client.ask(get('/_ping'))
    client.close()
  })
  return { value: median(turns), units: turns.length }
}

async function mixed(side: Side, ids: readonly string[]) {
  const asks = [get('/_ping'), get('/containers/json?all=1'), get(`/containers/${ids[0]}/json`), get('/images/json'), get('/networks'), get('/volumes'), get(`/containers/${ids[1]}/json`)]
  const taken: number[] = []
  const clients = await Promise.all(Array.from({ length: 64 }, async () => asker(await side.connect())))
  let turn = 0
  await rate(clients.map((client) => async () => {
    const start = now()
    await client.ask(asks[turn++ % asks.length]!)
    taken.push(now() - start)
  }), 3000)
  for (const client of clients) client.close()
  return { value: quantile(taken, 0.99), units: taken.length }
}

/** Small calls. */
export const small: readonly Row[] = [
  { name: 'ping', unit: 'requests/s', figure: 'ratio', more: true, goal: 1.0, cpu: 'call', prepare: async () => (side) => perSecond(side, get('/_ping'), 16) },
  { name: 'version', unit: 'requests/s', figure: 'ratio', more: true, goal: 10, cpu: 'call', prepare: async () => (side) => perSecond(side, get('/version'), 4) },
  { name: 'info', unit: 'requests/s', figure: 'ratio', more: true, goal: 10, cpu: 'call', prepare: async () => (side) => perSecond(side, get('/info'), 4) },
  {
    name: 'list', unit: 'requests/s', figure: 'ratio', more: true, goal: 0.75, cpu: 'call',
    async prepare(world) {
      const here = await alone(world)
      await ten(here)
      return (side, transport) => perSecond(side.gateway ? here.sides[transport].gateway : here.sides[transport].direct, get('/containers/json?all=1'), 1)
    },
  },
  {
    name: 'list-foreign', unit: 'requests/s', figure: 'ratio', more: true, goal: 15, cpu: 'call',
    async prepare(world) {
      const here = await crowded(world)
      await ten(here)
      return (side, transport) => perSecond(side.gateway ? here.sides[transport].gateway : here.sides[transport].direct, get('/containers/json?all=1'), 1, 1500)
    },
  },
  {
    name: 'inspect', unit: 'ms', figure: 'added', more: false, goal: 0.4, cpu: 'call',
    async prepare(world) {
      const [id] = await ten(world)
      return async (side) => {
        const client = asker(await side.connect())
        const taken = await latencies(400, () => client.ask(get(`/containers/${id}/json`)))
        client.close()
        return { value: median(taken), units: taken.length }
      }
    },
  },
  { name: 'run', unit: 'ms', figure: 'ratio', more: false, goal: 1.05, cpu: 'call', prepare: async () => (side) => runs(side, 1) },
  { name: 'run-8', unit: 'ms', figure: 'ratio', more: false, goal: 1.05, cpu: 'call', prepare: async () => (side) => runs(side, 8), rounds: 7 },
  { name: 'create-delete', unit: 'pairs/s', figure: 'ratio', more: true, goal: 0.95, cpu: 'call', prepare: async () => pairs },
  { name: 'handshake', unit: 'ms', figure: 'ratio', more: false, goal: 1.5, cpu: 'call', transports: ['tls'], prepare: async () => handshake },
  {
    name: 'mixed-64-p99', unit: 'ms', figure: 'ratio', more: false, goal: 1.2, cpu: 'call', rounds: 7,
    async prepare(world) {
      const ids = await ten(world)
      return (side) => mixed(side, ids)
    },
  },
]
