import { clientEnvironment } from './cli.ts'
import type { Outcome } from './command.ts'
import { networkOf } from './engine-directory.ts'
import type { Engine } from './engine.ts'
import { startGateway, type Gateway, type GatewayOptions } from './gateway.ts'
import { dockerPath } from './paths.ts'

/** What runs on the engine's machine: in its network, where its loopback is. */
export interface Inside {
  /** A gateway that reaches the engine's loopback. */
  gateway(options?: Omit<GatewayOptions, 'engineSocket' | 'network'>): Promise<Gateway>
  /** The CLI, whatever its exit code. */
  cli(env: Readonly<Record<string, string>>, args: readonly string[]): Promise<Outcome>
  /** The CLI for what must succeed; answers what it printed, trimmed. */
  docker(env: Readonly<Record<string, string>>, args: readonly string[]): Promise<string>
  /** A script of Node's, as the module's text; answers what it printed, trimmed, and throws when it failed. */
  node(script: string, env?: Readonly<Record<string, string>>): Promise<string>
  /** What the web server at a port there says, trimmed; waits for it, since a server starts in its own time. */
  get(port: number | string, host?: string): Promise<string>
}

export function inside(engine: Engine): Inside {
  const cli: Inside['cli'] = (env, args) => engine.enter(dockerPath('28.5'), args, { env: clientEnvironment(env), timeout: 120_000 })
  const node: Inside['node'] = async (script, env = {}) => {
    const options = { env: clientEnvironment(env), timeout: 120_000 }
    return succeeded(script, await engine.enter(process.execPath, ['--input-type=module', '-e', script], options))
  }
  return {
    gateway: (options) => startGateway({ ...options, engineSocket: engine.socket, network: networkOf(engine.directory).name }),
    cli,
    async docker(env, args) {
      return succeeded(`docker ${args.join(' ')}`, await cli(env, args))
    },
    node,
    get: (port, host = '127.0.0.1') => node(`
      for (let end = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
        try { console.log((await (await fetch('http://${host}:${port}/')).text()).trim()); break } catch (error) { if (Date.now() > end) throw error }
      }`),
  }
}

function succeeded(what: string, { status, signal, stdout, stderr }: Outcome): string {
  if (status !== 0) throw new Error(`${what}: ${signal ?? `exit code ${status}`}\n${stderr}${stdout}`)
  return stdout.trim()
}
