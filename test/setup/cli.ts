import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import { command, type CommandOptions, type Outcome } from './command.ts'
import { dockerPath, treePath, type Version } from './paths.ts'

let shared: string | undefined

/** A directory for DOCKER_CONFIG that has buildx and compose as plugins, and nobody's logins or contexts. It ends with this process. */
export function dockerConfig(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-docker-config-'))
  const plugins = join(treePath('engine-28.5'), 'usr/libexec/docker/cli-plugins')
  mkdirSync(join(directory, 'cli-plugins'))
  for (const plugin of readdirSync(plugins)) symlinkSync(join(plugins, plugin), join(directory, 'cli-plugins', plugin))
  atExit(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export interface CliOptions extends Omit<CommandOptions, 'env'> {
  /** Which version of the CLI; 28.5 unless said. */
  docker?: Version
}

/** The environment of a client: DOCKER_* as given, and nothing of ours but PATH. */
export function clientEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  shared ??= dockerConfig()
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: shared, DOCKER_CONFIG: shared, DOCKER_CLI_HINTS: 'false', ...env }
}

/** Runs the real Docker CLI with that DOCKER_HOST etc., whatever its exit code. */
export async function cli(env: Readonly<Record<string, string>>, args: readonly string[], { docker = '28.5', ...options }: CliOptions = {}): Promise<Outcome> {
  return command(dockerPath(docker), args, { timeout: 60_000, ...options, env: clientEnvironment(env) })
}

/** The same for a call that must succeed: answers what it printed, trimmed, and throws with what it said otherwise. */
export async function docker(env: Readonly<Record<string, string>>, args: readonly string[], options?: CliOptions): Promise<string> {
  const { status, signal, stdout, stderr } = await cli(env, args, options)
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${signal ?? `exit code ${status}`}\n${stderr}${stdout}`)
  return stdout.trim()
}
