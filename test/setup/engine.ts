import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import { command, must, type CommandOptions, type Outcome } from './command.ts'
import { clear, clearLeftovers, makeDirectory, networkOf } from './engine-directory.ts'
import { install } from './install.ts'
import { commonProgram, dockerPath, enginePath, type Version } from './paths.ts'
import { isAlive, until } from './processes.ts'

/** A real Docker Engine in a network of its own. */
export interface Engine {
  readonly version: Version
  /** Everything of it is in here. */
  readonly directory: string
  readonly dataRoot: string
  /** Path of the unix socket of its API. */
  readonly socket: string
  /** Of dockerd; another one after `restart` and `start`. */
  readonly pid: number
  /** Runs the CLI on it, without a gateway. Throws when that fails, and answers what it printed, trimmed. */
  docker(...args: string[]): Promise<string>
  /** Runs any program where the engine's addresses can be reached. */
  enter(file: string, args: readonly string[], options?: CommandOptions): Promise<Outcome>
  /** What dockerd has logged. */
  log(): string
}

/** An engine that its starter may break. */
export interface OwnEngine extends Engine {
  /** Stops it in order, containers too, and starts it again on the same data. */
  restart(): Promise<void>
  /** dockerd dies; containers stay until `start` or `stop`. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Such as SIGSTOP and SIGCONT, for an engine that hangs. */
  signal(signal: NodeJS.Signals): void
  /** Ends it at once with all that it has. */
  stop(): void
}

export interface EngineOptions {
  version?: Version
  /** Settings of daemon.json beside those that the tests need. */
  daemon?: Record<string, unknown> | undefined
  /** Addresses to listen on beside the unix socket, such as `tcp://0.0.0.0:2376` in the engine's own network. */
  listen?: readonly string[]
}

/** Room for as many networks as tests make, where the engine's own default is for thirty; registries on loopback; builds without the host's network. */
const defaults = {
  'default-address-pools': [{ base: '10.200.0.0/13', size: 26 }],
  'insecure-registries': ['127.0.0.0/8'],
  builder: { Entitlements: { 'network-host': false } },
}

/** What the caller of the tests wants in every daemon.json, such as `{"features":{"containerd-snapshotter":true}}`. */
function wanted(): object {
  return JSON.parse(process.env['MOORAGE_TEST_DAEMON'] || '{}')
}

/** Starts an engine and waits until it answers. It never outlives this process, or the next start clears it away. */
export async function startEngine({ version = '28.5', daemon = {}, listen = [] }: EngineOptions = {}): Promise<OwnEngine> {
  install()
  clearLeftovers()
  const directory = makeDirectory()
  atExit(() => existsSync(directory) && clear(directory))
  const settings = { ...defaults, 'init-path': commonProgram('tini-static'), ...wanted(), ...daemon }
  writeFileSync(join(directory, 'daemon.json'), JSON.stringify(settings))
  writeFileSync(join(directory, 'version'), version)
  must('ip', ['netns', 'add', networkOf(directory).name])
  must('ip', ['-n', networkOf(directory).name, 'link', 'set', 'lo', 'up'])
  const engine = ownEngine(directory, listen)
  await engine.start()
  return engine
}

/** The engine in that directory, started by another process. */
export function attachEngine(directory: string): Engine {
  const version = readFileSync(join(directory, 'version'), 'utf8') as Version
  const socket = join(directory, 'docker.sock')
  const network = networkOf(directory).path
  const enter: Engine['enter'] = (file, args, options) => command('nsenter', [`--net=${network}`, file, ...args], options)
  return {
    version, directory, socket, enter, dataRoot: join(directory, 'data'),
    get pid() { return readPid(directory) },
    async docker(...args) {
      const { status, stdout, stderr } = await command(dockerPath('28.5'), ['-H', `unix://${socket}`, ...args])
      if (status !== 0) throw new Error(`docker ${args.join(' ')} on Engine ${version}: ${stderr}${stdout}`)
      return stdout.trim()
    },
    log: () => readFileSync(join(directory, 'log'), 'utf8'),
  }
}

function ownEngine(directory: string, listen: readonly string[]): OwnEngine {
  const engine = attachEngine(directory)
  // containerd is dockerd's child and ends with it: waited for, as dockerd waits ten seconds for one that is about to end.
  const end = async (signal: NodeJS.Signals) => {
    const pids = [engine.pid, Number(readFileSync(join(directory, 'exec/containerd/containerd.pid'), 'utf8'))]
    process.kill(engine.pid, signal)
    await until(() => !pids.some(isAlive), `Engine ${engine.version} ends by ${signal}`)
  }
  const start = () => launch(engine, listen)
  return Object.defineProperties({
    start,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      await start()
    },
    signal: (signal: NodeJS.Signals) => { process.kill(engine.pid, signal) },
    stop: () => clear(directory),
  }, Object.getOwnPropertyDescriptors(engine)) as OwnEngine
}

/** `nsenter`, because `ip netns exec` hides /sys/fs/cgroup, without which dockerd does not start. */
async function launch({ directory, socket, version, log }: Engine, listen: readonly string[]): Promise<void> {
  const output = openSync(join(directory, 'log'), 'a')
  const at = (name: string) => join(directory, name)
  mkdirSync(at('exec'), { recursive: true })
  // Killed daemons may stay as zombies for long, which dockerd takes for alive and waits for.
  for (const file of [at('pid'), at('exec/containerd/containerd.pid')]) {
    if (existsSync(file) && !isAlive(Number(readFileSync(file, 'utf8')))) rmSync(file)
  }
  const child = spawn('nsenter', [
    `--net=${networkOf(directory).path}`, 'dockerd', '--config-file', at('daemon.json'), '-H', `unix://${socket}`,
    ...listen.flatMap((address) => ['-H', address]), '--data-root', at('data'), '--exec-root', at('exec'), '-p', at('pid'),
  ], { env: { ...process.env, PATH: enginePath(version), NO_PROXY: '127.0.0.0/8' }, stdio: ['ignore', output, output], detached: true })
  child.unref()
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`Engine ${version} did not start:\n${log().split('\n').slice(-20).join('\n')}`)
    return ping(socket)
  }
  await until(answers, `Engine ${version} answers (its log is ${at('log')})`, 60_000)
}

function readPid(directory: string): number {
  return Number(readFileSync(join(directory, 'pid'), 'utf8'))
}

/** Whether an engine answers there. */
export function ping(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping', timeout: 5000 }, (response) => {
      response.resume().on('close', () => resolve(response.statusCode === 200))
    })
    asked.on('error', () => resolve(false)).on('timeout', () => asked.destroy()).end()
  })
}
