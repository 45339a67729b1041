import { spawn } from 'node:child_process'
import type { Engine } from './engine.ts'
import { networkOf } from './engine-directory.ts'
import { isAlive, until } from './processes.ts'

/** What accepts connections and never says a word, so that whatever asks it stays in the middle. */
export interface StalledRegistry {
  /** `127.0.0.1:PORT` as the engine knows it. */
  address: string
  stop(): void
}

const program = `const { createServer } = require('node:net')
const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1', () => console.log(server.address().port))`

export async function startStalledRegistry(engine: Engine): Promise<StalledRegistry> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', `--net=${networkOf(engine.directory).path}`, process.execPath, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  let port = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { port += text })
  await until(() => /\d+\n/.test(port), 'The stalled registry listens', 60_000)
  return { address: `127.0.0.1:${port.trim()}`, stop: () => { if (isAlive(Number(child.pid))) child.kill('SIGKILL') } }
}
