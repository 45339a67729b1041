import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import { command, type Outcome } from './command.ts'
import { root } from './paths.ts'
import { until } from './processes.ts'

/** What `moorage open --json` prints. */
export interface Namespace {
  id: string
  gateway: string
  certPath: string
  /** DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH: for `cli`. */
  env: Record<string, string>
  /** ISO 8601. */
  expires: string
}

/** A gateway in a process of its own, as an operator runs it. */
export interface Gateway {
  /** `https://127.0.0.1:PORT`; the same after a restart. */
  readonly url: string
  readonly stateDir: string
  readonly pid: number
  /** Opens a namespace with the command line; more flags may be given. */
  open(...flags: string[]): Promise<Namespace>
  /** Runs any other command of `moorage` against it. */
  moorage(args: readonly string[], options?: { input?: string }): Promise<Outcome>
  /** What it has said so far, over all restarts. */
  log(): string
  /** As by SIGTERM; resolves when it has ended. */
  stop(): Promise<void>
  /** As by SIGKILL. */
  kill(): Promise<void>
  /** Starts it again on the same state and address, after `stop` or `kill`, or stopping it first. */
  restart(): Promise<void>
}

export interface GatewayOptions {
  /** Path of the engine's unix socket; left out when the config names hosts. */
  engineSocket?: string
  stateDir?: string
  /** Text of a config file (YAML or JSON), or what to write as one. */
  config?: string | object
  /** More flags of `moorage serve`. */
  flags?: readonly string[]
  env?: Record<string, string>
  /** The program's file; this checkout's when absent. */
  program?: string
  /** Runs it, and every command of it, in this network (as `ip netns` names it): that of the engine whose loopback it has to reach. */
  network?: string
  /** Resolve when it listens, although no engine may be there. */
  withoutEngine?: boolean
}

/** Starts `moorage serve` on a free port of loopback and waits until it has found its engine. It ends with this process. */
export async function startGateway({ engineSocket, stateDir, config, flags = [], env = {}, program = main, network, withoutEngine = false }: GatewayOptions): Promise<Gateway> {
  const home = mkdtempSync(join(tmpdir(), 'moorage-gateway-'))
  const state = stateDir ?? join(home, 'state')
  const environment = { PATH: process.env['PATH'], HOME: home, MOORAGE_DRAIN: '1', ...env }
  const configFile = join(home, 'moorage.yaml')
  if (config) writeFileSync(configFile, typeof config === 'string' ? config : JSON.stringify(config))
  const inside = network === undefined ? [] : ['nsenter', `--net=/run/netns/${network}`]
  let log = ''
  let url = ''
  let child: ChildProcess
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  const start = async () => {
    const from = log.length
    // The same port again, because namespaces have the address in their environment.
    const listen = url ? new URL(url).host : '127.0.0.1:0'
    // A test file that is killed does not leave its gateway behind.
    const [file = '', ...words] = [...inside, 'setpriv', '--pdeathsig', 'KILL', process.execPath, program]
    child = spawn(file, [...words, 'serve', '--listen', listen, ...(engineSocket === undefined ? [] : ['--host', `unix://${engineSocket}`]), '--state', state,
      ...(config ? ['--config', configFile] : []), ...flags], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => { log += text })
    await until(() => {
      if (child.exitCode !== null) throw new Error(`The gateway did not start:\n${log.slice(from)}`)
      url = /https:\/\/127\.0\.0\.1:\d+/.exec(log.slice(from))?.[0] ?? url
      return url !== '' && log.includes(url, from) && (withoutEngine || log.includes('Found Docker Engine', from))
    }, `The gateway is ready, having said: ${log.slice(from)}`)
  }
  atExit(() => {
    child.kill('SIGKILL')
    rmSync(home, { recursive: true, force: true })
  })
  const moorage: Gateway['moorage'] = (args, options) => {
    const [file = '', ...words] = [...inside, process.execPath, program, ...args, '--state', state]
    return command(file, words, { ...options, env: environment })
  }
  await start()
  return {
    get url() { return url },
    get pid() { return Number(child.pid) },
    stateDir: state, moorage,
    async open(...args) {
      const { status, stdout, stderr } = await moorage(['open', '--json', ...args])
      if (status !== 0) throw new Error(`moorage open failed: ${stderr}\nThe gateway said: ${log}`)
      return JSON.parse(stdout)
    },
    log: () => log,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      await start()
    },
  }
}

const main = join(root, 'infra/cli/main.js')
