import { once as event } from 'node:events'
import { randomBytes } from 'node:crypto'
import { latencies, median, now } from '../measure.ts'
import { once, type Measured, type Row } from '../row.ts'
import { tarOf } from '../archives.ts'
import { download, megabyte, megabytesPerSecond, send } from '../transfers.ts'
import { begin, drained, pump } from '../wire.ts'
import type { Side, World } from '../world.ts'

/** A running container of the namespace with a big file and a big log. */
function subject(world: World): Promise<string> {
  return once(world, 'subject', async () => {
    const side = world.sides.unix.gateway
    const body = { Image: 'busybox', Cmd: ['sh', '-c', 'head -c 268435456 /dev/zero > /big; sleep 100000'], HostConfig: { NetworkMode: 'none' } }
    const { Id } = JSON.parse(String((await side.ask({ method: 'POST', path: '/containers/create', body })).body))
    await side.ask({ method: 'POST', path: `/containers/${Id}/start` })
    return Id
  })
}

function talker(world: World): Promise<string> {
  return once(world, 'talker', async () => {
    const side = world.sides.unix.gateway
    const body = { Image: 'busybox', Cmd: ['sh', '-c', 'yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 50331648'], HostConfig: { NetworkMode: 'none' } }
    const { Id } = JSON.parse(String((await side.ask({ method: 'POST', path: '/containers/create', body })).body))
    await side.ask({ method: 'POST', path: `/containers/${Id}/start` })
    await side.ask({ method: 'POST', path: `/containers/${Id}/wait` })
    return Id
  })
}

async function startedExec(side: Side, container: string, command: string[], stdin: boolean) {
  const body = { AttachStdin: stdin, AttachStdout: true, AttachStderr: true, Cmd: command }
  const { Id } = JSON.parse(String((await side.ask({ method: 'POST', path: `/containers/${container}/exec`, body })).body))
  const socket = await side.connect()
  const { status } = await begin(socket, { method: 'POST', path: `/exec/${Id}/start`, body: { Detach: false, Tty: false } }, { upgrade: true })
  if (status !== 101) throw new Error(`exec start answered ${status}`)
  return socket
}

async function execOut(side: Side, container: string): Promise<Measured> {
  const socket = await startedExec(side, container, ['head', '-c', String(256 * megabyte), '/dev/zero'], false)
  const start = now()
  return megabytesPerSecond(await drained(socket), start)
}

async function execIn(side: Side, container: string): Promise<Measured> {
  const socket = await startedExec(side, container, ['sh', '-c', 'cat > /dev/null'], true)
  const start = now()
  const ended = drained(socket)
  await pump(socket, Buffer.alloc(64 * 1024), 192 * megabyte)
  socket.end()
  await ended
  return megabytesPerSecond(192 * megabyte, start)
}

async function execEcho(side: Side, container: string): Promise<Measured> {
  const socket = await startedExec(side, container, ['cat'], true)
  socket.resume()
  const turns = await latencies(300, async () => {
    socket.write('x\n')
    await event(socket, 'data')
  })
  socket.destroy()
  return { value: median(turns), units: turns.length }
}

/** Bytes that flow. */
export const streams: readonly Row[] = [
  row('exec-stdout', 0.9, async (world) => { const id = await subject(world); return (side) => execOut(side, id) }),
  row('exec-stdin', 0.9, async (world) => { const id = await subject(world); return (side) => execIn(side, id) }),
  { name: 'exec-echo', unit: 'ms', figure: 'ratio', more: false, goal: 1.3, cpu: 'call', async prepare(world) { const id = await subject(world); return (side) => execEcho(side, id) } },
  row('logs-follow', 1.0, async (world) => { const id = await talker(world); return (side) => download(side, `/containers/${id}/logs?stdout=1&stderr=1&follow=1`) }),
  row('archive-down', 0.9, async (world) => { const id = await subject(world); return (side) => download(side, `/containers/${id}/archive?path=/big`) }),
  row('archive-up', 0.9, async (world) => {
    const id = await subject(world)
    const tar = tarOf({ sent: randomBytes(128 * megabyte) })
    return (side) => send(side, { method: 'PUT', path: `/containers/${id}/archive?path=/tmp` }, tar)
  }),
]

function row(name: string, goal: number, prepare: Row['prepare']): Row {
  return { name, unit: 'MB/s', figure: 'ratio', more: true, goal, cpu: 'GB', prepare }
}
