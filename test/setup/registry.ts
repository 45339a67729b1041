import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from './engine.ts'
import { networkOf } from './engine-directory.ts'
import { commonProgram } from './paths.ts'
import { isAlive, until } from './processes.ts'

/** A real registry that only its engine reaches. */
export interface Registry {
  /** `127.0.0.1:PORT` as the engine knows it: loopback, so that it is asked without TLS. */
  address: string
  /** Pushes an image that the engine has, and answers the reference to pull it by. */
  push(image: string, repository: string): Promise<string>
  /** What it has logged: each request with its status. */
  log(): string
  stop(): void
}

/** What a registry with `login` demands. */
export const credentials = { username: 'captain', password: 'correct horse' }
const htpasswd = 'captain:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n'

/** Starts Debian's docker-registry beside the engine; it ends with it at the latest. With `login` it demands `credentials`. */
export async function startRegistry(engine: Engine, { login = false }: { login?: boolean } = {}): Promise<Registry> {
  const directory = mkdtempSync(join(engine.directory, 'registry-'))
  const at = (name: string) => join(directory, name)
  writeFileSync(at('htpasswd'), htpasswd)
  writeFileSync(at('config.json'), JSON.stringify({
    version: '0.1', log: { formatter: 'json' },
    storage: { filesystem: { rootdirectory: at('data') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0', secret: 'moorage' },
    ...(login ? { auth: { htpasswd: { realm: 'moorage', path: at('htpasswd') } } } : {}),
  }))
  const output = openSync(at('log'), 'a')
  const child = spawn('nsenter', [`--net=${networkOf(engine.directory).path}`, commonProgram('docker-registry'), 'serve', at('config.json')],
    { stdio: ['ignore', output, output], detached: true })
  child.unref()
  const log = () => readFileSync(at('log'), 'utf8')
  const port = () => /listening on 127\.0\.0\.1:(\d+)/.exec(log())?.[1]
  await until(() => {
    if (child.exitCode !== null) throw new Error(`The registry did not start:\n${log()}`)
    return port() !== undefined
  }, 'The registry listens')
  const address = `127.0.0.1:${port()}`
  return { address, log, push: (image, repository) => push(engine, image, `${address}/${repository}`), stop: () => { if (isAlive(Number(child.pid))) child.kill('SIGKILL') } }
}

async function push(engine: Engine, image: string, reference: string): Promise<string> {
  await engine.docker('tag', image, reference)
  await engine.docker('push', '-q', reference)
  await engine.docker('rmi', reference)
  return reference
}
