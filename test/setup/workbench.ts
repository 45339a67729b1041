import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import type { Version } from './paths.ts'
import { cli, docker, type CliOptions } from './cli.ts'
import type { Outcome } from './command.ts'
import type { Engine } from './engine.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { imageArchive } from './image-archive.ts'
import { ask, type Answer, type Ask } from './plain-http.ts'
import { sharedEngine } from './shared-engine.ts'

/** A job with a namespace of its own, over mTLS for the CLI and over a unix socket for plain requests. */
export interface Job {
  id: string
  env: Record<string, string>
  /** Path of the unix socket. */
  socket: string
  ask(request: Ask): Promise<Answer>
  /** Runs the CLI, which must succeed. */
  docker(...args: string[]): Promise<string>
  /** Runs the CLI, whatever its exit code. */
  cli(args: readonly string[], options?: CliOptions): Promise<Outcome>
  /** Makes an image of one small file under a name, and answers its id. */
  image(name: string, content: string): Promise<string>
}

/** An engine that other tests share, and a gateway of our own before it. */
export interface Workbench {
  engine: Engine
  gateway: Gateway
  bare: Pick<Job, 'ask'>
  job(): Promise<Job>
  /** Tags on the engine that contain the text. */
  tags(text: string): Promise<string[]>
  /** The state directory's files and what the gateway said, as one text. */
  everythingKept(): string
  stop(): Promise<void>
}

export async function workbench(version: Version, config: object = {}): Promise<Workbench> {
  const engine = await sharedEngine(version)
  const gateway = await startGateway({ engineSocket: engine.socket, config: { images: { shared: ['busybox:latest'] }, ...config } })
  const directory = mkdtempSync(join(tmpdir(), 'moorage-workbench-'))
  const opened: string[] = []
  return {
    engine, gateway,
    bare: { ask: (request) => ask(engine.socket, request) },
    async job() {
      const socket = join(directory, `${opened.length}.sock`)
      const { id, env } = await gateway.open('--unix', socket)
      opened.push(id)
      const run = (args: readonly string[], options: CliOptions = {}) => cli(env, args, { docker: version, timeout: 120_000, ...options })
      return {
        id, env, socket, cli: run,
        ask: (request) => ask(socket, request),
        docker: (...args) => docker(env, args, { docker: version, timeout: 120_000 }),
        async image(name, content) {
          const { tar, id: image } = await imageArchive({ tags: [name], content })
          const loaded = await ask(socket, { method: 'POST', target: '/images/load', type: 'application/x-tar', body: tar })
          if (loaded.status !== 200 || loaded.text.includes('"error"')) throw new Error(loaded.text)
          return image
        },
      }
    },
    async tags(text) {
      const images = (await ask(engine.socket, { target: '/images/json' })).json as { RepoTags: string[] | null; RepoDigests: string[] | null }[]
      return images.flatMap((image) => [...image.RepoTags ?? [], ...image.RepoDigests ?? []]).filter((tag) => tag.includes(text))
    },
    everythingKept: () => readdirSync(gateway.stateDir, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n') + gateway.log(),
    async stop() {
      for (const id of opened) await gateway.moorage(['close', id])
      await gateway.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** A directory for DOCKER_CONFIG with nothing in it. */
export function emptyDockerConfig(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-login-'))
  writeFileSync(join(directory, 'config.json'), '{}')
  atExit(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
