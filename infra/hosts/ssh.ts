import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A machine that the system's ssh client logs in to; the user's ~/.ssh/config says the rest. */
export interface SshTarget {
  host: string
  user?: string
  port?: string
  /** Path of the engine's socket there; the docker client's own choice when absent. */
  socketPath?: string
}

/** Reads `ssh://[user@]host[:port][/path]`, which the schema of hosts has checked. */
export function sshTarget(url: string): SshTarget {
  const { user, host, port, path } = /^ssh:\/\/(?:(?<user>[^@/]+)@)?(?<host>\[[^\]]+\]|[^:/]+)(?::(?<port>\d+))?(?<path>\/.+)?$/.exec(url)!.groups!
  return { host: host!.replace(/^\[(.*)\]$/, '$1'), ...(user && { user }), ...(port && { port }), ...(path && { socketPath: path }) }
}

/** Milliseconds for logging in and for the engine's first answer, and connections that may be made at one time: an sshd refuses more than ten logins. */
const [patience, atOnce] = [30_000, 6]

/** Characters of what ssh says that are kept. */
const saidKept = 4096

export interface Ssh {
  /** A connection to the engine, on which it has answered. Rejects with an error of code ESSH and ssh's words when there is none. */
  dial(): Promise<Socket>
  /** Ends the connection that others share. */
  close(): Promise<void>
}

/**
 * Connections to an engine by `docker system dial-stdio` on its machine, as the Docker CLI makes them (docker/cli, cli/connhelper). The first logs in,
 * later ones are sessions of the same login (ssh_config(5), ControlMaster); what an sshd's MaxSessions does not let in logs in by itself.
 */
export function dialSsh(target: SshTarget): Ssh {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-ssh-'))
  const login = loginOf(target, join(directory, '%C'))
  const command = ['docker', ...(target.socketPath ? ['--host', `unix://${target.socketPath}`] : []), 'system', 'dial-stdio']
  const waiting: (() => void)[] = []
  let dialling = 0

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (dialling >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else dialling++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else dialling--
    }
  }

  return {
    dial: () => inTurn(() => answering(spawnSsh([...login, '--', target.host, ...command]))),
    close: () => new Promise((resolve) => {
      execFile('ssh', [...login, '-O', 'exit', '--', target.host], () => {
        rmSync(directory, { recursive: true, force: true })
        resolve()
      })
    }),
  }
}

function loginOf({ user, port }: SshTarget, controlPath: string): string[] {
  const options = {
    BatchMode: 'yes', ConnectTimeout: 10, ServerAliveInterval: 5, ServerAliveCountMax: 3,
    ControlMaster: 'auto', ControlPath: controlPath, ControlPersist: 60,
  }
  return ['-T', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]), ...(user ? ['-l', user] : []), ...(port ? ['-p', port] : [])]
}

/**
 * The third descriptor is a socket both ways, which the shell makes ssh's input and output: half-closing and back-pressure are the kernel's.
 * A session of its own: signals from a terminal are the gateway's, which lets streams finish.
 */
function spawnSsh(args: string[]): ChildProcess {
  return spawn('/bin/sh', ['-c', 'exec ssh "$@" <&3 >&3 3>&-', 'ssh', ...args], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true })
}

/** The socket of an ssh through which the engine has answered: only then is there a connection. */
async function answering(child: ChildProcess): Promise<Socket> {
  // Without descriptors left there is a child without streams, and its error comes.
  if (child.stdio === undefined) throw (await once(child, 'error'))[0]
  const socket = child.stdio[3] as Socket
  socket.allowHalfOpen = true
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-saidKept) })
  socket.once('close', () => child.kill())
  return new Promise((resolve, reject) => {
    let head = ''
    const late = setTimeout(() => fail('no answer'), patience)
    function fail(reason: string): void {
      settle()
      socket.on('error', () => {}).destroy()
      reject(Object.assign(new Error(reason), { code: 'ESSH' }))
    }
    function settle(): void {
      clearTimeout(late)
      socket.off('readable', read)
      child.off('exit', ended).off('error', broke)
    }
    function read(): void {
      // Not by `data`, which would leave the socket flowing or paused for who gets it.
      for (let bytes = socket.read(); bytes !== null; bytes = socket.read()) head += bytes.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      settle()
      if (/^HTTP\/1\.1 200 /.test(head)) resolve(socket)
      else fail(head.split('\r\n', 1)[0]!)
    }
    const broke = (error: Error) => fail(error.message)
    // What ssh said may come behind the news of its end.
    const ended = (status: number | null) => child.stderr!.destroyed ? fail(reasonOf(said, status)) : child.stderr!.once('close', () => fail(reasonOf(said, status)))
    child.on('exit', ended).on('error', broke)
    // A socket that breaks is the end of its ssh, which says why.
    socket.on('error', () => {}).on('readable', read)
    socket.write('HEAD /_ping HTTP/1.1\r\nHost: engine\r\n\r\n')
  })
}

/** The last thing that ssh, or the machine behind it, has said. */
function reasonOf(said: string, status: number | null): string {
  const last = said.trim().split('\n').at(-1)!.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 300)
  return last || `ended with ${status ?? 'a signal'}`
}
