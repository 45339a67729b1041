import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  install('redis')
  const directory = mkdtempSync(join(tmpdir(), 'moorage-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  const end = async () => {
    const pid = child?.pid
    child?.kill('SIGKILL')
    if (pid !== undefined) await until(() => !isAlive(pid), 'Redis ends')
  }
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`, port,
    signal: (signal) => void child?.kill(signal),
    kill: end,
    async start() {
      child = spawn(join(treePath('redis'), 'usr/bin/redis-server'), [
        '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory, ...settings,
      ], { stdio: 'ignore' })
      // Tests end although it runs; `exit` below ends it then.
      child.unref()
      await until(() => answers(port), 'Redis answers')
    },
    async stop() {
      await end()
      rmSync(directory, { recursive: true, force: true })
    },
  }
  process.once('exit', () => {
    child?.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })
  await server.start()
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
