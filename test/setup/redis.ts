import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import { install } from './install.ts'
import { treePath } from './paths.ts'
import { isAlive, until } from './processes.ts'

/** A real redis-server on loopback that keeps nothing on disk. */
export interface RedisServer {
  /** `redis://127.0.0.1:PORT` */
  url: string
  port: number
  /** Such as SIGSTOP and SIGCONT, for a Redis that hangs. */
  signal(signal: NodeJS.Signals): void
  /** It dies and forgets everything. */
  kill(): Promise<void>
  /** Starts it again at the same port, empty. */
  start(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
}

/** Starts Debian's redis-server at a free port. It ends with this process at the latest. `settings` are further lines of redis.conf as flags. */
export function startRedis(...settings: string[]): Promise<RedisServer> {
  return startServer(() => ['--save', '', '--appendonly', 'no', ...settings])
}

/** The same with Debian's valkey-server. */
export function startValkey(...settings: string[]): Promise<RedisServer> {
  return startServer(() => ['--save', '', '--appendonly', 'no', ...settings], join(treePath('valkey'), 'usr/bin/valkey-server'))
}

/** Whether Debian's valkey-server is here, or was to be had: not every mirror has backports. */
export function hasValkey(): boolean {
  try {
    install('valkey')
    return true
  } catch {
    return false
  }
}

/** Starts a sentinel with these lines of its configuration. */
export function startSentinel(...lines: string[]): Promise<RedisServer> {
  return startServer((directory) => {
    const file = join(directory, 'sentinel.conf')
    writeFileSync(file, `${lines.join('\n')}\n`)
    return [file, '--sentinel']
  })
}

/** `parameters` may begin with the file of a configuration. */
async function startServer(parameters: (directory: string) => string[], program = join(treePath('redis'), 'usr/bin/redis-server')): Promise<RedisServer> {
  install('redis')
  const directory = mkdtempSync(join(tmpdir(), 'moorage-redis-'))
  let port = await freePort()
  let child: ChildProcess | undefined
  const end = async () => {
    const pid = child?.pid
    child?.kill('SIGKILL')
    if (pid !== undefined) await until(() => !isAlive(pid), 'Redis ends')
  }
  /** False when it ended at once, because somebody else has the port meanwhile. */
  const tried = async () => {
    const started = child = spawn(program, [
      ...parameters(directory), '--port', String(port), '--bind', '127.0.0.1', '--dir', directory,
    ], { stdio: 'ignore' })
    // Tests end although it runs; `exit` below ends it then.
    started.unref()
    let answered = false
    await until(async () => started.exitCode !== null || (answered = await answers(port)), 'Redis answers', 60_000)
    return answered && started.exitCode === null
  }
  const server: RedisServer = {
    get url() { return `redis://127.0.0.1:${port}` },
    get port() { return port },
    signal: (signal) => void child?.kill(signal),
    kill: end,
    async start() {
      if (!await tried()) throw new Error(`Redis does not start at port ${port}`)
    },
    async stop() {
      await end()
      rmSync(directory, { recursive: true, force: true })
    },
  }
  atExit(() => {
    child?.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })
  for (let attempt = 0; !await tried(); attempt++) {
    if (attempt > 5) throw new Error('Redis does not start at any port')
    port = await freePort()
  }
  return server
}

/** A port that nobody listened at a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    const finish = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.on('error', () => finish(false)).on('close', () => finish(false)).on('data', (bytes) => finish(bytes.toString().startsWith('+PONG')))
    socket.write('PING\r\n')
  })
}
