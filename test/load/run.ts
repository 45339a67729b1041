import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { controlApi } from '../setup/control-api.ts'
import { startEngine } from '../setup/engine.ts'
import { startGateway } from '../setup/gateway.ts'
import { heldConnections } from '../setup/held-connections.ts'
import { importBusybox } from '../setup/images.ts'
import { ask } from '../setup/plain-http.ts'
import { residentBytes, until } from '../setup/processes.ts'

/**
 * `npm run load [-- --attached 5000 --watchers 2000 --slow 50 --opens 300]`: much of everything on one gateway, whose memory is read from
 * outside. Prints a table; exit code 1 when a client got neither an answer nor a closed connection, or something is kept that is over.
 */
const { values } = parseArgs({ options: {
  attached: { type: 'string', default: '5000' }, watchers: { type: 'string', default: '2000' }, slow: { type: 'string', default: '50' }, opens: { type: 'string', default: '300' },
} })

const engine = await startEngine()
await importBusybox(engine)
// With a bound on the heap memory is given back before it is asked for again, and what stays is kept.
const env = { NODE_OPTIONS: '--max-old-space-size=400' }
const gateway = await startGateway({ engineSocket: engine.socket, env, config: { images: { shared: ['busybox:latest'] }, controlGroups: 'off', policies: { default: { limits: { connections: 20_000 } } } } })
const path = join(mkdtempSync(join(tmpdir(), 'moorage-load-')), 'job.sock')
await gateway.open('--unix', path)

const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`
const head = (line: string, ...headers: string[]) => [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')
const upgrade = ['Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 0']
const sockets: Socket[] = []

async function many(count: number, bytes: string): Promise<{ answered(): number; ended(): number; socket: Socket }[]> {
  const clients = []
  for (let made = 0; made < count; made += 200) {
    const batch = await Promise.all(Array.from({ length: Math.min(200, count - made) }, async () => {
      const socket = connect({ path })
      let [answered, ended] = [0, 0]
      socket.on('data', () => { answered = 1 }).on('error', () => { ended = 1 }).on('close', () => { ended = 1 })
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
      socket.write(bytes)
      sockets.push(socket)
      return { answered: () => answered, ended: () => ended, socket }
    }))
    await until(() => batch.every((one) => one.answered() || one.ended()), `${made + batch.length} are answered`, 300_000)
    clients.push(...batch)
  }
  return clients
}

async function container(cmd: string[], stdin = false): Promise<string> {
  const { json } = await ask(path, { method: 'POST', target: '/containers/create', body: { Image: 'busybox', Cmd: cmd, OpenStdin: stdin } })
  await ask(path, { method: 'POST', target: `/containers/${json.Id}/start` })
  return json.Id
}

async function leave(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy()
  await engine.docker('ps', '-q').then((ids) => ids && engine.docker('kill', ...ids.split('\n')))
  await until(() => heldConnections(path) === 0, 'every connection is let go', 300_000)
}

function line(what: string, count: number, before: number): void {
  const grown = residentBytes(gateway.pid) - before
  console.log(`${what.padEnd(44)} ${String(count || '').padStart(6)}   ${mebibytes(grown).padStart(12)}${count > 0 ? `   ${(grown / count / 1024).toFixed(1).padStart(8)} KiB each` : ''}`)
}

const idle = residentBytes(gateway.pid)
console.log(`gateway at rest: ${mebibytes(idle)}`)
const [attachedCount, watcherCount, slowCount, opens] = [values.attached, values.watchers, values.slow, values.opens].map(Number) as [number, number, number, number]

const cat = await container(['cat'], true)
const attached = await many(attachedCount, head(`POST /containers/${cat}/attach?stream=1&stdout=1`, ...upgrade))
line('idle attached connections', attached.length, idle)

let mark = residentBytes(gateway.pid)
const watchers = await many(watcherCount, head('GET /events'))
line('event watchers', watchers.length, mark)
await ask(path, { method: 'POST', target: `/containers/${cat}/kill?signal=WINCH` })
line('... after an event', watchers.length, mark)

mark = residentBytes(gateway.pid)
const noisy = await container(['sh', '-c', 'head -c 100000000 /dev/zero | tr "\\0" x'])
await until(async () => (await ask(path, { target: `/containers/${noisy}/json` })).json.State.Running === false, 'the output is there', 300_000)
const slow = await many(slowCount, head(`GET /containers/${noisy}/logs?stdout=1`))
for (const { socket } of slow) socket.pause()
line('readers that read nothing of 100 MB', slow.length, mark)

mark = residentBytes(gateway.pid)
const opened = await Promise.all(Array.from({ length: opens }, () => controlApi(gateway, 'POST', '/namespaces', {}).catch((error: Error) => ({ status: 0, json: error.message }))))
const refused = opened.filter(({ status }) => status !== 201)
line('openings at once', opens, mark)

const started = process.hrtime.bigint()
const answer = await ask(path, { target: '/containers/json' })
console.log(`a list in the middle of it: ${answer.status}, ${Number(process.hrtime.bigint() - started) / 1e6} ms`)

await engine.docker('kill', cat)
await until(() => attached.every((one) => one.ended()), 'every attached client is told the end', 300_000)
await leave()
line('kept when all have gone', 0, idle)

// What is kept by mistake is kept again.
mark = residentBytes(gateway.pid)
for (const round of [2, 3]) {
  const next = await container(['cat'], true)
  await many(attachedCount, head(`POST /containers/${next}/attach?stream=1&stdout=1`, ...upgrade))
  await many(watcherCount, head('GET /events'))
  await leave()
  line(`... and after round ${round}`, 0, mark)
}
for (const { status, json } of refused) console.log(`an opening was answered ${status}: ${JSON.stringify(json)}`)
process.exit(refused.length === 0 ? 0 : 1)
