import { removeEverything, type Removed } from '../lib/closing.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Store } from '../lib/store.ts'
import type { HostPool } from './hosts/pool.ts'

/** What closing a namespace did. */
export interface Closed {
  id: string
  removed: Removed
}

/** Ends namespaces. */
export interface Closer {
  /** Cuts its sockets and removes everything of it. Throws `Refusal` 404 when it is unknown. */
  close(id: string): Promise<Closed>
  /** Closes every namespace whose time is over. */
  reap(): Promise<void>
}

export interface ClosingParts {
  store: Store
  hosts: HostPool
  /** Cuts what this gateway serves of a namespace, and forgets what it knows of it. */
  cut(ns: string): void
}

export function closer({ store, hosts, cut }: ClosingParts): Closer {
  const closing = new Map<string, Promise<Closed>>()

  async function close(id: string): Promise<Closed> {
    const namespace = await store.find(id)
    if (namespace === undefined) throw new Refusal(404, `no such namespace: ${id}`)
    await store.close(id)
    cut(id)
    const host = hosts.get(namespace.host)
    const removed = await removeEverything(host, store, id)
    host.hub.forget(id)
    host.groups.gone(id)
    await store.forget(id)
    cut(id)
    return { id, removed }
  }

  /** Two askers of one closing get the same report. */
  const closeOnce: Closer['close'] = (id) => {
    const running = closing.get(id) ?? close(id).finally(() => closing.delete(id))
    closing.set(id, running)
    return running
  }

  return {
    close: closeOnce,
    async reap() {
      const over = (await store.namespaces()).filter((namespace) => namespace.state === 'closing' || namespace.expires <= Date.now())
      for (const namespace of over) await closeOnce(namespace.id).catch((error) => console.error(error))
    },
  }
}
