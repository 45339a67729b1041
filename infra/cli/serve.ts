import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { Option, type Command } from 'commander'
import { ConfigError, loadConfig, onlyHost, settings, type Config, type Setting } from '../config.ts'
import type { Shortfall, Verdict } from '../../lib/admission.ts'
import { errorCode, isDiskFull } from '../files.ts'
import { defaultStateDirectory } from '../state.ts'
import { exitCodes, Failure } from './failure.ts'
import { addManual, gatewayEnvironment, type Manual } from './manual.ts'
import { openLog, type Log } from '../observe/log.ts'
import { shellWord, shortDuration } from './text.ts'

const manual: Manual = {
  about: `A setting is taken from its flag, then its environment variable, then the config file, then its default.
Policies are written in the config file only. SIGINT and SIGTERM stop the gateway; namespaces stay and are there at the next start.
SIGHUP takes policies and OIDC issuers from the config file anew and opens log files anew.`,
  environment: { 'MOORAGE_*': 'each setting, as named beside its option', MOORAGE_CONFIG: 'the config file', XDG_STATE_HOME: gatewayEnvironment.XDG_STATE_HOME },
  exits: { 0: 'stopped by a signal', 1: 'failed', 2: 'wrong usage or configuration' },
  examples: ['moorage serve --listen 0.0.0.0:2376 --name ci.example --config moorage.yaml'],
}

/** `moorage serve`. */
export function define(command: Command): void {
  const options = settings.map((setting) => ({ setting, option: optionOf(setting) }))
  for (const { option } of options) command.addOption(option)
  addManual(command, manual)
  command.option('--config <FILE>', 'YAML file with settings and policies (env MOORAGE_CONFIG)').action(async () => {
    const given = options.map(({ setting, option }) => [setting.flag, command.getOptionValue(option.attributeName())])
    const flags = { ...Object.fromEntries(given), config: command.getOptionValue('config') }
    await serve(configured(flags), () => configured(flags))
  })
}

function optionOf({ flag, value, comment, env, list, default: fallback }: Setting): Option {
  const known = typeof fallback === 'string' ? `; default ${fallback}` : ''
  const option = new Option(`--${flag} <${value}>`, `${comment}${list ? '; may be repeated' : ''} (env ${env}${known})`)
  return list ? option.argParser((one: string, before: string[] = []) => [...before, one]) : option
}

function configured(flags: Record<string, string | string[] | undefined>): Config {
  try {
    return loadConfig({ flags, env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  } catch (error) {
    if (error instanceof ConfigError) throw new Failure(error.message, exitCodes.usage, { cause: error })
    throw error
  }
}

/** Seconds after those of `drain` in which engines and the store must have answered what was under way. */
const afterDrain = 30

/** `again` reads the config anew, for SIGHUP. */
async function serve(config: Config, again: () => Config): Promise<void> {
  const stopped = signalled()
  const { startGateway } = await import('../gateway.ts')
  const log = await openLog(config)
  process.removeAllListeners('warning').on('warning', ({ message }) => log.warn(message))
  process.on('uncaughtException', (error) => {
    log.error('The gateway ends by a defect', { error })
    process.exit(exitCodes.failed)
  })
  const gateway = await startGateway(config, operatorTalk(config, log)).catch((error) => {
    throw said(config, log, notStarted(config, error))
  })
  process.on('SIGHUP', () => reload(gateway, again, log))
  log.info(`Moorage listens on ${gateway.url}; its state is in ${config.state}.`)
  // A gateway that is killed one day starts as fast afterwards.
  flushCompileCache()
  await stopped
  log.info('Stopping; namespaces stay and are there at the next start.')
  const late = setTimeout(() => {
    log.error(`Work in the background has not ended ${afterDrain} s after calls had to: ending without it. What it left is found at the next start.`)
    process.exit(exitCodes.failed)
  }, (config.drain + afterDrain) * 1000)
  await gateway.stop()
  clearTimeout(late)
}

/** A config that cannot be used changes nothing. */
function reload(gateway: { reload(next: Config): void }, again: () => Config, log: Log): void {
  try {
    gateway.reload(again())
    log.info('Reloaded policies and OIDC issuers; other settings are taken at the next start.')
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    log.error(`The config was not reloaded, what was in force stays: ${error.message}`)
  }
}

/** What the gateway tells its operator: each change once, and the next command when an engine is first there. */
function operatorTalk(config: Config, log: Log) {
  const last = new Map<string, string>()
  let introduced = false
  const once = (about: string, line: string) => {
    if (line !== last.get(about)) log.info(line)
    last.set(about, line)
  }
  const where = (name: string, url: string) => name === onlyHost ? url : `${url} (host ${name})`
  return {
    hostUp(name: string, url: string, engineVersion: string) {
      once(name, `Found Docker Engine ${engineVersion} at ${where(name, url)}.`)
      if (!introduced) log.info(`Next, in another shell: eval "$(${openCommand(config.state)})" && docker ps`)
      introduced = true
    },
    hostAway(name: string, url: string, reason: string) {
      // Words instead of a code say themselves what to do.
      const remedy = reason.includes(' ') ? '' : 'Start it or install one (Debian: apt-get install docker.io), or name another with --host URL. '
      once(name, `No Docker engine answers at ${where(name, url)} (${reason}). ${remedy}Moorage keeps trying and serves when it appears.`)
    },
    shortfalls(name: string, found: readonly Shortfall[]) {
      const list = (verdict: Verdict) => found.filter(({ check }) => config.admission[check] === verdict).map(({ why, remedy }) => `${why} (${remedy})`).join('; ')
      if (list('warn') !== '') once(`${name} lacks`, `Warning about host ${name}: ${list('warn')}.`)
      if (list('refuse') !== '') once(`${name} refused`, `Host ${name} takes no namespaces: ${list('refuse')}.`)
    },
    defect: (what: string, error: unknown) => log.error(`The gateway failed ${what}`, { error }),
    auditWaits: (reason: string, most: number) => log.warn(`The audit stream cannot be written: ${reason}. Up to ${most} MiB of it wait in memory; what comes after them is lost.`),
    auditLoss: (reason: string) => log.error(`Lines of the audit stream are lost: ${reason}.`),
    auditBack: () => log.info('The audit stream is written again.'),
    call: log.call,
    imagesMissing(name: string, references: readonly string[]) {
      if (references.length === 0) return void last.delete(`${name} images`)
      once(`${name} images`, `${name === onlyHost ? 'The engine' : `Host ${name}`} lacks shared images: ${references.join(', ')}. Namespaces see each as soon as it is there: `
        + `docker --host ${name === onlyHost ? config.hosts[0]!.url : 'URL'} pull ${references[0]}`)
    },
    hostUnlimited: (name: string, reason: string) => log.warn(`Namespaces on ${name === onlyHost ? 'the engine' : `host ${name}`} are not limited as a whole, `
      + `each container is: ${reason} (setting controlGroups).`),
    storeAway: (reason: string) => log.warn(`The store cannot be used: ${reason}. New work is answered 503, what runs goes on; Moorage keeps trying.`),
    clockSet(by: number) {
      const time = shortDuration(Math.round(Math.abs(by) / 1000) * 1000)
      if (by === 0) log.info('The clock is right again.')
      else log.warn(`The clock was set ${by > 0 ? 'forward' : 'back'} by ${time}. Namespaces go on by the time of before; when it stays so for ten minutes, by the new one, and none of them ends by that alone unless its lifetime is over.`)
    },
    storeBack: () => log.info('The store works again.'),
  }
}

function openCommand(state: string): string {
  const program = process.env['npm_lifecycle_event'] ? 'npm run -s moorage --' : 'moorage'
  return `${program} open${state === defaultStateDirectory(process.env) ? '' : ` --state ${shellWord(state)}`}`
}

/**
 * Resolves at the first SIGINT or SIGTERM. Another one a second later ends the process at once; not an earlier one,
 * because Ctrl-C under npm arrives twice: from the terminal and from npm.
 */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined
    const onSignal = () => {
      first ??= Date.now()
      if (Date.now() - first > 1000) process.exit(exitCodes.failed)
      resolve()
    }
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  })
}

/** Where logs are JSON, this is too. */
function said({ logFormat }: Config, log: Log, { message, cause }: Error): Failure {
  if (logFormat === 'text') return new Failure(message, undefined, { cause })
  log.error(message)
  return new Failure('', undefined, { cause })
}

function notStarted({ listen: { host, port }, state }: Config, error: Error): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'is in use by another program; stop that one',
    EACCES: 'may not be listened on by this user; take a port above 1023',
    EADDRNOTAVAIL: 'is no address of this machine; take one that is',
    ENOTFOUND: 'has no address; take a name that resolves',
  }
  const code = errorCode(error) ?? ''
  const isListen = 'syscall' in error && ['listen', 'bind', 'getaddrinfo'].includes(String(error.syscall))
  if (isDiskFull(error)) {
    return new Failure(`The gateway did not start, because the disk of its state directory ${state} is full; make room there, or give it another directory with --state`, undefined, { cause: error })
  }
  if (isListen && reasons[code]) return new Failure(`${host}:${port} ${reasons[code]}, or choose another address with --listen HOST:PORT`, undefined, { cause: error })
  return new Failure(`The gateway did not start: ${error.message}`, undefined, { cause: error })
}
