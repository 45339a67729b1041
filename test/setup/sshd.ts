import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { must } from './command.ts'
import type { Engine } from './engine.ts'
import { install } from './install.ts'
import { dockerPath, treePath } from './paths.ts'
import { allPids, isAlive, until } from './processes.ts'
import { freePort } from './redis.ts'

/** A real sshd on loopback, on a machine whose docker client finds that engine. */
export interface Sshd {
  /** `ssh://captain@127.0.0.1:PORT` */
  url: string
  /** For a program whose ssh has captain's key and knows this sshd: PATH with that ssh in front. */
  env: { PATH: string }
  /** It does not know this sshd any more, or knows it again. */
  know(known: boolean): void
  /** Ends it with every login. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/** Starts Debian's sshd with keys and configuration of its own. It ends with this process at the latest. */
export async function startSshd(engine: Engine): Promise<Sshd> {
  install('ssh')
  const directory = mkdtempSync(join(tmpdir(), 'moorage-sshd-'))
  const at = (name: string) => join(directory, name)
  const write = (name: string, ...lines: string[]) => writeFileSync(at(name), `${lines.join('\n')}\n`)
  for (const name of ['host-key', 'key']) must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)])
  const port = await freePort()
  write('authorized', readFileSync(at('key.pub'), 'utf8').trim())
  // Accounts of its own, which only it sees.
  write('passwd', `captain:*:0:0:captain:${directory}:/bin/sh`, `sshd:*:65533:65534:sshd:/run/sshd:/bin/false`)
  write('sshd_config', 'ListenAddress 127.0.0.1', `Port ${port}`, `HostKey ${at('host-key')}`, `AuthorizedKeysFile ${at('authorized')}`, 'PidFile none', 'StrictModes no',
    'UsePAM no', 'PermitRootLogin yes', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no',
    `SetEnv PATH=${dirname(dockerPath('28.5'))}:/usr/bin:/bin DOCKER_HOST=unix://${engine.socket}`)
  write('ssh_config', `IdentityFile ${at('key')}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${at('known_hosts')}`, 'GlobalKnownHostsFile /dev/null', 'StrictHostKeyChecking yes')
  mkdirSync(at('bin'))
  write('bin/ssh', '#!/bin/sh', `exec /usr/bin/ssh -F ${at('ssh_config')} "$@"`)
  chmodSync(at('bin/ssh'), 0o755)
  const know = (known: boolean) => write('known_hosts', known ? `[127.0.0.1]:${port} ${readFileSync(at('host-key.pub'), 'utf8').trim()}` : '')
  know(true)

  let world: string | undefined
  const setUp = `mount --bind "$1/passwd" /etc/passwd && mkdir -p /run/sshd && exec "$2" -D -e -f "$1/sshd_config"`
  const log = () => readFileSync(at('log'), 'utf8')
  const mine = () => allPids().filter((pid) => mountsOf(pid) === world && isAlive(pid))
  const killAll = () => must('sh', ['-c', 'kill -9 "$@" 2> /dev/null; true', 'sh', ...mine().map(String)])
  const end = async () => {
    killAll()
    await until(() => mine().length === 0, 'sshd ends')
  }
  const start = async () => {
    const output = openSync(at('log'), 'w')
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', setUp, 'sh', directory, join(treePath('ssh'), 'usr/sbin/sshd')],
      { stdio: ['ignore', output, output], detached: true })
    child.unref()
    await until(() => {
      if (child.exitCode !== null) throw new Error(`sshd did not start:\n${log()}`)
      return log().includes('Server listening')
    }, 'sshd listens')
    world = mountsOf(child.pid!)
  }
  process.once('exit', () => {
    killAll()
    rmSync(directory, { recursive: true, force: true })
  })
  await start()
  return {
    url: `ssh://captain@127.0.0.1:${port}`, env: { PATH: [at('bin'), process.env['PATH']].join(delimiter) }, know, start, kill: end,
    async stop() {
      await end()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The mounts that a process sees: sshd and all logins have theirs, by which they are found. */
function mountsOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`)
  } catch {
    return undefined
  }
}
