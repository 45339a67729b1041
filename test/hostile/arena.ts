import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlApi } from '../setup/control-api.ts'
import type { Engine } from '../setup/engine.ts'
import { startGateway, type Gateway } from '../setup/gateway.ts'
import { ask, type Answer, type Ask } from '../setup/plain-http.ts'
import type { RecordedRequest } from '../setup/recorded-requests.ts'
import { recordingProxy, type RecordingProxy } from '../setup/recording-proxy.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

/** One job's place: the same plain requests work on it and on a bare engine. */
export interface Side {
  id: string
  socket: string
  ask(request: Ask): Promise<Answer>
}

/** Two jobs on one engine, and a record of everything the gateway sends there. */
export interface Arena {
  engine: Engine
  gateway: Gateway
  recorder: RecordingProxy
  attacker: Side
  victim: Side
  /** The engine itself, without a gateway. */
  bare: Side
  open(): Promise<Side>
  /** Another namespace, that was opened for its certificates, on a unix socket too. */
  serve(id: string): Promise<Side>
  /** What the engine got while `work` ran, beside the gateway's own looks at it. */
  recorded<T>(work: () => Promise<T>): Promise<{ result: T; requests: RecordedRequest[] }>
  /** A new container of that side. With `start` it runs `sleep`. */
  container(side: Side, body?: object, options?: { name?: string; start?: boolean }): Promise<string>
  stop(): Promise<void>
}

/** By which a gateway sees that its engine is there, and, when other test files change images, that the shared one is. */
const ownLooks = /^(\/v[\d.]+)?\/(_ping|version|info|events|images\/docker\.io\/library\/busybox:latest\/json)(\?|$)/

/** By which it finds what the engine made while nobody watched: what it asks for a job has that job's API version in its path. */
const houseLooks = /^\/(containers\/([0-9a-f]{64}\/)?json|networks|volumes|images\/json)(\?|$)/

/** Control groups are off: the containers that make them come and go by themselves and would be in every record. */
export async function openArena({ config = {} as object } = {}): Promise<Arena> {
  const engine = await sharedEngine('28.5')
  const recorder = await recordingProxy(engine.socket)
  const directory = mkdtempSync(join(tmpdir(), 'moorage-arena-'))
  const gateway = await startGateway({ engineSocket: recorder.socket, config: { images: { shared: ['busybox:latest'] }, controlGroups: 'off', ...config } })
  let sockets = 0
  const opened: string[] = []
  const side = (id: string, socket: string): Side => ({ id, socket, ask: (request) => ask(socket, request) })
  const open = async () => {
    const path = join(directory, `${++sockets}.sock`)
    const { id } = await gateway.open('--unix', path)
    opened.push(id)
    return side(id, path)
  }
  const serve = async (id: string) => {
    const path = join(directory, `${++sockets}.sock`)
    const { status, json } = await controlApi(gateway, 'POST', `/namespaces/${id}/socket`, { path })
    if (status >= 300) throw new Error(json.message)
    opened.push(id)
    return side(id, path)
  }
  const [attacker, victim] = [await open(), await open()]
  return {
    engine, gateway, recorder, attacker, victim, open, serve,
    bare: side('', engine.socket),
    async recorded(work) {
      const from = recorder.requests.length
      const result = await work()
      return { result, requests: recorder.requests.slice(from).filter(({ path }) => !ownLooks.test(path) && !houseLooks.test(path)) }
    },
    async container(owner, body = {}, { name, start = false } = {}) {
      const query = name === undefined ? '' : `?name=${name}`
      const created = await owner.ask({ method: 'POST', target: `/containers/create${query}`, body: { Image: 'busybox', Cmd: ['sleep', '1000'], ...body } })
      if (created.status !== 201) throw new Error(created.text)
      const id = created.json.Id as string
      if (start) {
        const started = await owner.ask({ method: 'POST', target: `/containers/${id}/start` })
        if (started.status !== 204) throw new Error(started.text)
      }
      return id
    },
    async stop() {
      for (const id of opened) await gateway.moorage(['close', id])
      await gateway.stop()
      recorder.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
