import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientEnvironment } from '../setup/cli.ts'
import { command, type Outcome } from '../setup/command.ts'
import { startEngine, type EngineOptions, type OwnEngine } from '../setup/engine.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { busyboxTar } from '../setup/images.ts'
import { dockerPath, type Version } from '../setup/paths.ts'
import { startRegistry } from '../setup/registry.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** A place where a job's command lines run: DOCKER_HOST leads to an engine of its own, or to a namespace. */
export interface World {
  readonly env: Readonly<Record<string, string>>
  /** Folders that appear in what is said, by the names they have for everybody. */
  readonly places: Readonly<Record<string, string>>
  /** Runs one line of shell, with `docker` being the CLI of that version, in a folder that is kept between lines. */
  sh(line: string, docker?: Version): Promise<Outcome>
}

/** An engine that nobody else uses, and a namespace on an engine that many use. What a job sees in them is to be the same. */
export interface Worlds {
  readonly version: Version
  readonly bare: World
  readonly namespace: World
  readonly engine: OwnEngine
  readonly gateway: Gateway
  /** Runs the line in both, at the same time. */
  both(line: string, docker?: Version): Promise<[Outcome, Outcome]>
  stop(): Promise<void>
}

/**
 * Starts the worlds, each with an image busybox:latest of its own; the namespace by mTLS, or on a unix socket. `daemon`: settings of both engines, which
 * nobody else has then. `registry`: each has one, whose address is $REGISTRY.
 */
export async function startWorlds(version: Version, { unix = false, daemon = undefined as EngineOptions['daemon'], registry = false } = {}): Promise<Worlds> {
  const others = daemon === undefined ? sharedEngine(version) : startEngine({ version, daemon })
  const [engine, shared] = await Promise.all([startEngine({ version, daemon }), others])
  const gateway = await startGateway({ engineSocket: shared.socket })
  const { env } = await gateway.open(...(unix ? ['--unix', join(gateway.stateDir, 'job.sock')] : []))
  const folders = [mkdtempSync(join(tmpdir(), 'moorage-world-')), mkdtempSync(join(tmpdir(), 'moorage-world-'))] as const
  const registries = registry ? await Promise.all([engine, shared].map((one) => startRegistry(one))) : []
  const [first, second] = registries.map(({ address }) => ({ env: { REGISTRY: address }, place: { [address]: 'registry.example' } }))
  const bare = world({ DOCKER_HOST: `unix://${engine.socket}`, ...first?.env }, folders[0], { [engine.dataRoot]: '/var/lib/docker', ...first?.place })
  const namespace = world({ ...env, ...second?.env }, folders[1], { ...second?.place })
  const both: Worlds['both'] = (line, docker) => Promise.all([bare.sh(line, docker), namespace.sh(line, docker)])
  for (const { status, stderr } of await both(importBusybox)) if (status !== 0) throw new Error(`busybox cannot be imported: ${stderr}`)
  return {
    version, bare, namespace, engine, gateway, both,
    async stop() {
      await gateway.moorage(['close', '--all'])
      await gateway.stop()
      registries.forEach((one) => one.stop())
      engine.stop()
      if (daemon !== undefined) (shared as OwnEngine).stop()
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The image of the tests, as a job makes it. */
export const importBusybox = `docker import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' ${busyboxTar()} busybox:latest`

/** For lines that wait: `eventually COMMAND...` runs it until it succeeds, a minute at most, without a word. */
const helpers = 'eventually() { for i in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; echo "never: $*"; return 1; }'
  + `; pty() { python3 -B ${fileURLToPath(new URL('programs/on-terminal.py', import.meta.url))} "$@"; }`

/** Line by line in a folder with nothing but what the lines make. */
function world(env: Readonly<Record<string, string>>, folder: string, places: World['places']): World {
  const clients = (['20.10', '28.5'] as const).map((version) => {
    const bin = mkdtempSync(join(folder, `.docker-${version}-`))
    symlinkSync(dockerPath(version), join(bin, 'docker'))
    return [version, bin] as const
  })
  const bins = new Map<Version, string>(clients)
  return {
    env,
    places: { ...places, [folder]: '/work' },
    sh(line, docker = '28.5') {
      const base = clientEnvironment(env)
      // What a line leaves behind in the background ends with it.
      return command('timeout', ['-s', 'KILL', '100', 'sh', '-c', `${helpers}\n${line}`], { cwd: folder, timeout: 120_000, env: { ...base, PATH: `${bins.get(docker)}:${base['PATH']}`, TERM: 'xterm' } })
    },
  }
}
