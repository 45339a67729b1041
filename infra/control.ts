import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Control } from '../functions/namespaces.ts'
import { rows } from '../functions/index.ts'
import { removeEverything, type Removed } from '../lib/closing.ts'
import { explain } from '../lib/explain.ts'
import { namespaceToken } from '../lib/names.ts'
import type { Policy } from '../lib/policy.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'
import type { Authority } from './certificates.ts'
import { readIfThere, writePrivately } from './files.ts'
import type { LiveHost } from './hosts/host.ts'
import type { Connections } from './server/connections.ts'
import type { State } from './state.ts'

export interface ControlParts {
  store: Store
  state: State
  authority: Authority
  host: LiveHost
  open: Connections
  policy(name: string): Policy
  /** Told when a namespace's record has changed. */
  changed(ns: string): void
  listen(ns: string, path: string): Promise<Server>
}

/** The control API's work, and what the gateway itself needs of it. */
export interface NamespaceControl extends Control {
  close(id: string): Promise<{ id: string; removed: Removed }>
  /** Serves the sockets of before a restart again. */
  resume(): Promise<void>
  /** Closes every namespace whose time is over. */
  reap(): Promise<void>
  stop(): void
}

/** Opens, lists and closes namespaces on one host. */
export function control(parts: ControlParts): NamespaceControl {
  const { store, state, authority, host, open } = parts
  const sockets = namespaceSockets(parts)
  const closing = new Map<string, Promise<{ id: string; removed: Removed }>>()

  async function close(id: string): Promise<{ id: string; removed: Removed }> {
    if (await store.find(id) === undefined) throw new Refusal(404, `no such namespace: ${id}`)
    await store.close(id)
    parts.changed(id)
    sockets.end(id)
    open.cut(id)
    const removed = await removeEverything(host, store, id)
    host.hub.forget(id)
    await store.forget(id)
    parts.changed(id)
    return { id, removed }
  }

  /** Two askers of one closing get the same report. */
  const closeOnce: NamespaceControl['close'] = (id) => {
    const running = closing.get(id) ?? close(id).finally(() => closing.delete(id))
    closing.set(id, running)
    return running
  }

  return {
    authorised: (token) => timingSafeEqual(digest(token), digest(state.operatorToken)),
    async open({ policy: name, label, lifetime }) {
      const policy = parts.policy(name)
      if (!host.up()) throw new Refusal(503, `host ${host.name} is not up; try again when its engine answers`)
      const opened = Date.now()
      const expires = opened + Math.min(lifetime ?? policy.lifetime, policy.lifetime) * 1000
      const namespace: Namespace = { id: namespaceToken(randomBytes(16)), host: host.name, policy: name, label, opened, expires, state: 'open' }
      const { cert, key } = await authority.namespace(namespace.id, new Date(expires))
      await store.open(namespace)
      return { ...shown(namespace), ca: authority.caPem, cert, key }
    },
    async list() {
      return Promise.all((await store.namespaces()).map(async (namespace) => ({ ...shown(namespace), ...await counts(store, namespace.id) })))
    },
    close: closeOnce,
    async socket(id, path) {
      if ((await store.find(id))?.state !== 'open') throw new Refusal(404, `no such open namespace: ${id}`)
      await sockets.begin(id, path)
      return { id, path }
    },
    explain: async ({ request, body, policy }) => explain(rows, host, parts.policy(policy), request, body),
    resume: sockets.resume,
    async reap() {
      const over = (await store.namespaces()).filter((namespace) => namespace.state === 'closing' || namespace.expires <= Date.now())
      for (const namespace of over) await closeOnce(namespace.id)
    },
    stop: sockets.stop,
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function shown({ opened, expires, ...rest }: Namespace) {
  return { ...rest, opened: new Date(opened).toISOString(), expires: new Date(expires).toISOString() }
}

async function counts(store: Store, ns: string) {
  const [containers, networks, volumes, images] = await Promise.all(
    (['container', 'network', 'volume', 'image'] as const).map(async (kind) => (await store.claims(ns, kind)).length))
  return { containers, networks, volumes, images }
}

/** The unix sockets namespaces are served on, remembered in the state directory across restarts. */
function namespaceSockets({ store, state, listen }: ControlParts) {
  const file = state.path('sockets.json')
  const remembered: Record<string, string> = JSON.parse(readIfThere(file) ?? '{}')
  const servers = new Map<string, Server>()
  const remember = () => writePrivately(file, `${JSON.stringify(remembered)}\n`)

  function stop(ns: string): void {
    servers.get(ns)?.close()
    servers.delete(ns)
  }
  return {
    async begin(ns: string, path: string): Promise<void> {
      if (remembered[ns] === path && servers.has(ns)) return
      const server = await listen(ns, path).catch((error: Error) => {
        throw new Refusal(400, `the socket ${path} cannot be opened: ${error.message}; choose a path in a directory that exists and that the gateway may write to`)
      })
      stop(ns)
      servers.set(ns, server)
      remembered[ns] = path
      remember()
    },
    end(ns: string): void {
      stop(ns)
      if (remembered[ns] === undefined) return
      rmSync(remembered[ns], { force: true })
      delete remembered[ns]
      remember()
    },
    async resume(): Promise<void> {
      for (const [ns, path] of Object.entries(remembered)) {
        if ((await store.find(ns))?.state === 'open') servers.set(ns, await listen(ns, path))
        else delete remembered[ns]
      }
    },
    stop: () => { for (const ns of servers.keys()) stop(ns) },
  }
}
