import { once as event } from 'node:events'
import { connect, type Socket } from 'node:net'
import { latencies, median, now } from '../measure.ts'
import { once, type Measured, type Row } from '../row.ts'
import { drained, pump } from '../wire.ts'
import type { Side, World } from '../world.ts'

const megabyte = 1024 * 1024
const size = 512 * megabyte

/** What a container does at each of its ports, for every connection anew. */
const services = { 7000: `dd if=/dev/zero bs=1M count=${size / megabyte}`, 7001: 'sh -c "cat > /dev/null"', 7002: 'cat' }

interface Dialled { host: string; port: number }
type Ports = Record<string, { HostIp: string; HostPort: string }[]>

/** Where each port of a container is dialled: at the engine, which publishes it itself, and at the gateway, which relays to that. */
function published(world: World): Promise<{ direct: (port: number) => Dialled; gateway: (port: number) => Dialled }> {
  return once(world, 'published', async () => {
    const side = world.sides.tls.gateway
    const script = Object.entries(services).map(([port, command]) => `nc -ll -p ${port} -e ${command} &`).join('\n')
    const each = <T>(value: T) => Object.fromEntries(Object.keys(services).map((port) => [`${port}/tcp`, value]))
    const body = { Image: 'busybox', Cmd: ['sh', '-c', `${script}\nsleep 100000`], ExposedPorts: each({}), HostConfig: { PortBindings: each([{}]) } }
    const { Id } = JSON.parse(String((await side.ask({ method: 'POST', path: '/containers/create', body })).body))
    await side.ask({ method: 'POST', path: `/containers/${Id}/start` })
    const atEngine = JSON.parse(await world.engine.docker('inspect', '-f', '{{json .NetworkSettings.Ports}}', Id)) as Ports
    const atGateway = JSON.parse(String((await side.ask({ method: 'GET', path: `/containers/${Id}/json` })).body)).NetworkSettings.Ports as Ports
    const among = (ports: Ports) => (port: number) => ({ host: ports[`${port}/tcp`]![0]!.HostIp, port: Number(ports[`${port}/tcp`]![0]!.HostPort) })
    return { direct: among(atEngine), gateway: among(atGateway) }
  })
}

async function dial({ host, port }: Dialled): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true })
  await event(socket, 'connect')
  return socket
}

const megabytesPerSecond = (bytes: number, start: number): Measured => ({ value: bytes / megabyte / ((now() - start) / 1000), units: bytes / 1e9 })

async function download(to: Dialled): Promise<Measured> {
  const socket = await dial(to)
  const start = now()
  const bytes = await drained(socket)
  socket.destroy()
  if (bytes !== size) throw new Error(`${bytes} of ${size} bytes came`)
  return megabytesPerSecond(bytes, start)
}

async function upload(to: Dialled): Promise<Measured> {
  const socket = await dial(to)
  const start = now()
  const ended = drained(socket)
  await pump(socket, Buffer.alloc(64 * 1024), size)
  socket.end()
  await ended
  return megabytesPerSecond(size, start)
}

async function echo(to: Dialled): Promise<Measured> {
  const socket = await dial(to)
  const turns = await latencies(500, async () => {
    socket.write('x\n')
    await event(socket, 'data')
  })
  socket.destroy()
  return { value: median(turns), units: turns.length }
}

/** A connection, a word and its answer: what the first request of a client waits for. */
async function begin(to: Dialled): Promise<Measured> {
  const turns = await latencies(50, async () => {
    const socket = await dial(to)
    socket.write('x\n')
    await event(socket, 'data')
    socket.destroy()
  })
  return { value: median(turns), units: turns.length }
}

function row(name: string, port: number, work: (to: Dialled) => Promise<Measured>, read: Pick<Row, 'unit' | 'figure' | 'more' | 'goal' | 'cpu'>): Row {
  return {
    name, ...read,
    // Published ports are TCP by themselves, however the API is asked.
    transports: ['tls'],
    async prepare(world) {
      const ports = await published(world)
      return (side: Side) => work(side.gateway ? ports.gateway(port) : ports.direct(port))
    },
  }
}

/** Published ports, against a connection to the port that the engine publishes. */
export const ports: readonly Row[] = [
  row('port-down', 7000, download, { unit: 'MB/s', figure: 'ratio', more: true, goal: 0.5, cpu: 'GB' }),
  row('port-up', 7001, upload, { unit: 'MB/s', figure: 'ratio', more: true, goal: 0.5, cpu: 'GB' }),
  row('port-echo', 7002, echo, { unit: 'ms', figure: 'added', more: false, goal: 0.1, cpu: 'call' }),
  row('port-begin', 7002, begin, { unit: 'ms', figure: 'added', more: false, goal: 0.5, cpu: 'call' }),
]
