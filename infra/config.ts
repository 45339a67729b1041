import { resolve } from 'node:path'
import * as v from 'valibot'
import type { Admission } from '../lib/admission.ts'
import type { Overcommit } from '../lib/placement.ts'
import type { Policy } from '../lib/policy.ts'
import { presets } from '../lib/presets.ts'
import type { PortRange } from '../lib/ports.ts'
import { parseConfigFile, type ConfigFile } from './config-file.ts'
import { configSchema, knownKeys, settings, type Issuer } from './config-schema.ts'
import { defaultStateDirectory } from './state.ts'

export { settings, type Issuer, type Setting } from './config-schema.ts'

/** The settings of a gateway, complete and checked. */
export interface Config {
  listen: { host: string, port: number }
  /** The engines of the pool; one named `engine` unless the config names several. */
  hosts: HostConfig[]
  /** URL of the Redis that several gateways share; undefined for a file of the state directory. */
  store: string | undefined
  admission: Admission
  overcommit: Overcommit
  /** Seconds. */
  probe: { every: number, patience: number }
  /** Seconds for which objects of unknown namespaces are left alone. */
  orphanGrace: number
  /** Seconds a stopped gateway lets calls and streams finish. */
  drain: number
  /** Absolute path of the state directory. */
  state: string
  /** By name, the presets among them; has no inherited properties. */
  policies: Record<string, Policy> & { default: Policy }
  /** CI systems whose tokens open namespaces. */
  oidc: readonly Issuer[]
  images: { shared: string[] }
  /** Published ports: the gateway's range and address (that of `listen` when undefined), and where engines publish: loopback, address, none or an IP address. */
  ports: { range: PortRange, address?: string, reach: string }
  /** Whether namespaces must be limited as a whole, may be, or are not. */
  controlGroups: 'required' | 'best-effort' | 'off'
  /** Absolute path of a directory that gateway and engines share, for sockets inside containers; undefined when these are refused. */
  jobSockets: string | undefined
  /** Further DNS names and addresses for the gateway's certificate. */
  names: string[]
  /** Where the audit stream goes; undefined for nowhere. */
  audit: { file: string, reads: boolean } | undefined
  log: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  logFormat: 'text' | 'json'
}

/** One engine and what may be reserved on it. */
export interface HostConfig {
  name: string
  /** unix://, tcp://, https:// or ssh://. */
  url: string
  /** PEM texts for TLS towards the engine. */
  tls?: { ca?: string, cert?: string, key?: string }
  /** Bytes and cores that namespaces may reserve; what the engine has when absent. */
  memory?: number
  cpus?: number
}

/** The name of the host of a gateway with one. */
export const onlyHost = 'engine'

export interface ConfigSources {
  /** Values by long flag without dashes; `config` names the file. */
  flags: Readonly<Record<string, string | string[] | undefined>>
  env: Readonly<Record<string, string | undefined>>
  readFile: (path: string) => string
}

/** Settings that cannot be used; each problem says where it was given and what is expected there. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * Settings by flag, then environment (`MOORAGE_*`), then YAML file (`--config` or `MOORAGE_CONFIG`), then default.
 * Throws a `ConfigError` with every problem found.
 */
export function loadConfig({ flags, env, readFile }: ConfigSources): Config {
  const file = readConfigFile(flags['config'] ?? env['MOORAGE_CONFIG'], readFile)
  if (file.problems.length > 0) throw new ConfigError(file.problems)
  const overrides = given({ flags, env })
  const parsed = v.safeParse(configSchema, overlaid(file.value, overrides))
  if (!parsed.success) throw new ConfigError(inOrder(parsed.issues.map((issue) => problem(issue, file, overrides))))
  const { host, hostTls, hosts, ...output } = parsed.output
  return {
    ...output,
    store: output.store,
    audit: output.audit,
    hosts: hosts === undefined ? [oneHost(host, hostTls, readFile)] : severalHosts(hosts, host ?? Object.values(hostTls)[0], readFile),
    jobSockets: output.jobSockets === undefined ? undefined : resolve(output.jobSockets),
    state: resolve(output.state ?? defaultStateDirectory(env)),
    policies: Object.assign(Object.create(null), presets, output.policies),
  }
}

/** A value that a flag or variable gives, instead of what the file says. */
interface Override {
  path: string[]
  value: string | string[]
  /** `--listen` or `MOORAGE_LISTEN`. */
  source: string
}

function given({ flags, env }: Pick<ConfigSources, 'flags' | 'env'>): Override[] {
  return settings.flatMap(({ path, flag, env: variable, list }) => {
    const [value, source] = flags[flag] === undefined ? [env[variable] || undefined, variable] : [flags[flag], `--${flag}`]
    if (value === undefined) return []
    return [{ path, source, value: list ? [value].flat().flatMap((entry) => entry.split(',')).map((entry) => entry.trim()) : value }]
  })
}

function overlaid(value: unknown, overrides: Override[]): unknown {
  if (!isMap(value)) return value
  return overrides.reduce((whole, override) => placed(whole, override.path, override.value), value)
}

function placed(whole: Record<string, unknown>, [key, ...rest]: string[], value: unknown): Record<string, unknown> {
  if (key === undefined) return whole
  const inside = whole[key] ?? {}
  return { ...whole, [key]: rest.length === 0 ? value : isMap(inside) ? placed(inside, rest, value) : inside }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function problem(issue: v.BaseIssue<unknown>, file: ConfigFile, overrides: Override[]): string {
  const path = issue.path?.map(({ key }) => String(key)) ?? []
  // Valibot takes a list for an object whose keys are numbers.
  if (issue.type === 'strict_object' && Array.isArray(issue.path?.at(-1)?.input)) {
    const above = path.slice(0, -1)
    return `${file.place(above, 'value')}: ${above.length > 0 ? `${above.join('.')}: ` : ''}expected a map, got a list`
  }
  const override = overrides.find((one) => one.path.every((key, index) => path[index] === key))
  const wrongKey = issue.path?.at(-1)?.origin === 'key'
  const place = override?.source ?? file.place(path, wrongKey ? 'key' : 'value')
  const field = override || path.length === 0 ? '' : `${path.join('.')}: `
  return `${place}: ${field}${expectation(issue, path, wrongKey)}`
}

/** By line and column, as a reader of the file meets them. */
function inOrder(problems: string[]): string[] {
  return problems.toSorted(new Intl.Collator('en', { numeric: true }).compare)
}

const yamlWords: Record<string, string> = { Object: 'a map', Array: 'a list', null: 'nothing', undefined: 'nothing' }

function expectation(issue: v.BaseIssue<unknown>, path: string[], wrongKey: boolean): string {
  if (issue.type === 'strict_object' && wrongKey) return `unknown key; known here: ${knownKeys(path.slice(0, -1)).join(', ')}`
  const got = `got ${yamlWords[issue.received] ?? issue.received}`
  if (!issue.message.startsWith('Invalid ')) return `${issue.message}, ${got}`
  const expected = String(issue.expected)
  return `expected ${yamlWords[expected] ?? expected.replace(/^>=/, 'at least ').replace(/^\((.*)\)$/, '$1').replaceAll(' | ', ' or ')}, ${got}`
}

function readConfigFile(path: string | string[] | undefined, readFile: ConfigSources['readFile']): ConfigFile {
  const name = [path].flat().at(-1)
  return name ? parseConfigFile(name, attempt(`the config file ${name}`, () => readFile(name))) : parseConfigFile('', '')
}

type TlsFiles = { ca?: string, cert?: string, key?: string }

function oneHost(url = 'unix:///var/run/docker.sock', files: TlsFiles, readFile: ConfigSources['readFile']): HostConfig {
  return { name: onlyHost, url, tls: readTls('hostTls', files, readFile) }
}

function severalHosts(hosts: (Omit<HostConfig, 'tls'> & { tls?: TlsFiles })[], single: string | undefined, readFile: ConfigSources['readFile']): HostConfig[] {
  if (single !== undefined) throw new ConfigError(['host and hosts are both given; name the one host in hosts too'])
  return hosts.map(({ tls = {}, ...host }, index) => ({ ...host, tls: readTls(`hosts.${index}.tls`, tls, readFile) }))
}

function readTls(where: string, files: TlsFiles, readFile: ConfigSources['readFile']): HostConfig['tls'] {
  const texts = Object.entries(files).map(([name, path]) => [name, attempt(`${where}.${name}`, () => readFile(path))])
  return texts.length > 0 ? Object.fromEntries(texts) : undefined
}

function attempt(what: string, read: () => string): string {
  try {
    return read()
  } catch (error) {
    throw new ConfigError([`${what} cannot be read: ${error instanceof Error ? error.message : String(error)}`])
  }
}
