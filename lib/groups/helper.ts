import { at } from '../engine-path.ts'
import type { EngineAnswer, EngineRequest, Host } from '../engine.ts'
import { parseAnswer } from '../json.ts'
import { readAll } from '../lines.ts'
import { helperImage, programPath } from './image.ts'
import type { Layout } from './layout.ts'

/** What steps came to, by the step's index. */
export interface Outcome {
  /** The kernel's words for what failed. */
  readonly failed: ReadonlyMap<number, string>
  /** Names of listed directories. */
  readonly listed: ReadonlyMap<number, readonly string[]>
}

/** Carries out steps on an engine's host. Throws with the reason when that is impossible. */
export type Helper = (layout: Layout, steps: readonly string[]) => Promise<Outcome>

/** What helper containers are called on the engine, followed by chance; nothing of a namespace has such a name. */
const helperPrefix = 'moorage-helper-'

export interface HelperParts {
  host: Pick<Host, 'call' | 'stream' | 'facts'>
  randomHex(): string
  /** Aborts when a run has taken too long. */
  patience(): AbortSignal
  /** Clearing away, which nobody waits for. */
  later(work: Promise<unknown>): void
}

/**
 * The helper: a container that lives for some milliseconds, made of an image of two kilobytes. It is root, who owns the host's
 * control groups, and has one capability, as the topmost are not writable even by their owner; no network, no root file system to write to.
 */
export function helper({ host, randomHex, patience, later }: HelperParts): Helper {
  return async (layout, steps) => {
    const signal = patience()
    const ask = async (request: EngineRequest) => expectDone(request, await host.call(request, signal))
    const image = await ensureImage({ host, ask, signal })
    const name = `${helperPrefix}${randomHex().slice(0, 16)}`
    const { Id: id } = parseAnswer((await ask({ method: 'POST', path: at`/containers/create`, query: { name }, body: bodyOf(image, layout, steps) })).text)
    try {
      await ask({ method: 'POST', path: at`/containers/${id}/start` })
      await ask({ method: 'POST', path: at`/containers/${id}/wait` })
      return outcomeOf((await ask({ method: 'GET', path: at`/containers/${id}/logs`, query: { stdout: true } })).text)
    } finally {
      later(host.call({ method: 'DELETE', path: at`/containers/${id}`, query: { force: true, v: true } }).catch(() => {}))
    }
  }
}

/** Removes helpers that gateways left behind when they were killed. `before`: seconds since the epoch. */
export async function removeOldHelpers(host: Pick<Host, 'call'>, before: number): Promise<void> {
  const answer = await host.call({ method: 'GET', path: at`/containers/json`, query: { all: true, filters: JSON.stringify({ name: [`^/${helperPrefix}`] }) } })
  if (answer.status !== 200) return
  const old = (parseAnswer(answer.text) as { Id: string; Created: number }[]).filter(({ Created }) => Number(Created) < before)
  for (const { Id } of old) await host.call({ method: 'DELETE', path: at`/containers/${Id}`, query: { force: true, v: true } })
}

interface Asking {
  host: HelperParts['host']
  ask(request: EngineRequest): Promise<EngineAnswer>
  signal: AbortSignal
}

/** The id of the helper's image, which is imported when the engine has none, or another under its tag. */
async function ensureImage({ host, ask, signal }: Asking): Promise<string> {
  const { reference, archive, layer } = await helperImage(String(host.facts().info.Architecture))
  const inspect = { method: 'GET', path: at`/images/${reference}/json` } as const
  const present = await host.call(inspect, signal)
  if (present.status === 200) {
    const { Id, RootFS } = parseAnswer(present.text)
    if (String(RootFS?.Layers) === layer) return Id
  }
  const [repo, tag] = reference.split(':')
  const importing = { method: 'POST', path: at`/images/create`, query: { fromSrc: '-', repo, tag } } as const
  const stream = await host.stream(importing, { signal, upload: once(archive), contentType: 'application/x-tar' })
  expectDone(importing, { ...stream, text: await readAll(stream.body) })
  return parseAnswer((await ask(inspect)).text).Id
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function bodyOf(image: string, layout: Layout, steps: readonly string[]): unknown {
  return {
    Image: image, Entrypoint: [programPath], Cmd: steps, User: '0:0', Env: [], WorkingDir: '/', Tty: true,
    Labels: { 'io.moorage.helper': 'control groups' },
    HostConfig: {
      NetworkMode: 'none', ReadonlyRootfs: true, CapDrop: ['ALL'], CapAdd: ['DAC_OVERRIDE'], SecurityOpt: ['no-new-privileges', 'label=disable'],
      // The user who owns the host's control groups, also on engines that map users.
      UsernsMode: 'host', CgroupnsMode: 'host', LogConfig: { Type: 'json-file', Config: {} }, RestartPolicy: { Name: 'no' },
      Mounts: layout.mounts.map(({ source, target }) => ({ Type: 'bind', Source: source, Target: target })),
    },
  }
}

function expectDone({ method, path }: EngineRequest, answer: EngineAnswer): EngineAnswer {
  if (answer.status < 300 || answer.status === 304) return answer
  throw new Error(`the helper failed at ${method} ${path.replace(/[0-9a-f]{64}/, '{id}')}: ${answer.text.trim()}`)
}

/** Error numbers that control groups give (errno(3)); the same on every architecture that has a program. */
const errors: Readonly<Record<string, string>> = {
  1: 'not permitted', 2: 'no such file', 12: 'out of memory', 13: 'access denied', 16: 'busy', 17: 'exists', 19: 'no such device', 20: 'not a directory',
  22: 'invalid value', 28: 'no space', 30: 'read-only file system', 34: 'out of range', 39: 'not empty', 95: 'not supported',
}

function outcomeOf(log: string): Outcome {
  const failed = new Map<number, string>()
  const listed = new Map<number, string[]>()
  for (const [, index, error, name] of log.matchAll(/^(\d+) (?:!(\d+)|(\S+))\r?$/gm)) {
    if (error !== undefined) failed.set(Number(index), errors[error] ?? `error ${error}`)
    else listed.set(Number(index), [...listed.get(Number(index)) ?? [], name!])
  }
  return { failed, listed }
}
