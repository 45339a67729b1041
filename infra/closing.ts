import { setTimeout as sleep } from 'node:timers/promises'
import { removeEverything, type Left, type Removed } from '../lib/closing.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'
import type { Hosts } from './hosts/pool.ts'

/** What closing a namespace did: in job names what was removed, and what is left for later, because it is busy or its host is away. */
export interface Closed {
  id: string
  removed: Removed
  left: Left[]
  /** Why nothing could be removed yet, when its host is away. */
  waiting?: string
}

/** Ends namespaces. */
export interface Closer {
  /**
   * Cuts its connections and removes everything of it; what cannot be removed now is tried again by `reap` of any gateway. While another gateway is
   * closing it, waits for that one. Throws `Refusal` 404 when it is unknown.
   */
  close(id: string): Promise<Closed>
  /** Closes every namespace whose time is over, and goes on with those that other gateways did not finish. */
  reap(): Promise<void>
  /** Cuts the connections of namespaces that other gateways began to close. */
  follow(): Promise<void>
  /** The store's clock was set: what was heard of before says nothing of when it was. */
  listenAnew(): void
  /** What waited for a host or for something busy is tried again at once. */
  again(): void
}

export interface ClosingParts {
  store: Store
  hosts: Hosts
  gateway: { id: string }
  /** Cuts what this gateway serves of a namespace, and forgets what it knows of it. */
  cut(ns: string): void
  /** Hears of a namespace that is closed now. */
  onClosed(namespace: Namespace): void
  /** Milliseconds since the epoch. */
  now(): number
  /** Hears what a closing that nobody waits for failed of. */
  onDefect(what: string, error: unknown): void
}

/** Milliseconds for which a gateway has the duty of closing a namespace unless it goes on taking it. */
const dutyLasts = 30_000

/** Passes over what is busy, milliseconds between them, and the longest pause between later ones. */
const [passes, pause, longestPause] = [4, 500, 600_000]

/** Closings under way at one time when many are due. */
const atOnce = 8

/** What `Closer` promises, for the namespaces of a store. Work on one namespace is shared by all who ask for it here, and is one gateway's duty in a farm. */
export function closer({ store, hosts, gateway, cut, onClosed, now, onDefect }: ClosingParts): Closer {
  const closing = new Map<string, Promise<Closed>>()
  const postponed = new Map<string, { until: number; pause: number }>()
  let heard = 0

  /** Throws nothing that a busy thing or an absent host causes. */
  async function remove(id: string, host: string): Promise<Closed> {
    const closed: Closed = { id, removed: { containers: [], networks: [], volumes: [], images: [] }, left: [] }
    try {
      const live = hosts.answering(host)
      for (let pass = 0; pass === 0 || (closed.left.length > 0 && pass < passes); pass++) {
        if (pass > 0) await sleep(pause)
        const { removed, left } = await removeEverything(live, store, id)
        for (const kind of kindsOf(removed)) closed.removed[kind] = [...new Set([...closed.removed[kind], ...removed[kind]])]
        closed.left = left
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      closed.waiting = error.message
    }
    return closed
  }

  async function close(id: string): Promise<Closed> {
    const namespace = await store.find(id)
    if (namespace === undefined) throw new Refusal(404, `no such namespace: ${id}`)
    await store.close(id)
    cut(id)
    if (!await store.takeDuty(dutyOf(id), gateway.id, dutyLasts)) return elsewhere(id)
    const renewal = setInterval(() => void store.takeDuty(dutyOf(id), gateway.id, dutyLasts).catch(() => {}), dutyLasts / 3)
    try {
      const closed = await remove(id, namespace.host)
      if (isDone(closed)) {
        await store.forget(id)
        hosts.get(namespace.host).groups.gone(id)
        onClosed(namespace)
      } else postpone(id)
      cut(id)
      return closed
    } finally {
      clearInterval(renewal)
      await store.leaveDuty(dutyOf(id), gateway.id).catch(() => {})
    }
  }

  function postpone(id: string): void {
    const before = postponed.get(id)?.pause ?? 2_500
    postponed.set(id, { until: performance.now() + before * 2, pause: Math.min(before * 2, longestPause) })
  }

  /** Another gateway is at it: its end, or its death, is waited for. */
  async function elsewhere(id: string): Promise<Closed> {
    for (;;) {
      await sleep(200)
      if (await store.find(id) === undefined) return { id, removed: { containers: [], networks: [], volumes: [], images: [] }, left: [] }
      if (!await store.takeDuty(dutyOf(id), gateway.id, dutyLasts)) continue
      return close(id)
    }
  }

  /** Two askers of one closing get the same report. */
  const closeOnce: Closer['close'] = (id) => {
    const running = closing.get(id) ?? close(id).finally(() => closing.delete(id))
    closing.set(id, running)
    return running
  }

  async function reapOne(id: string): Promise<void> {
    if ((postponed.get(id)?.until ?? 0) > performance.now() || closing.has(id)) return
    if (!await store.takeDuty(dutyOf(id), gateway.id, dutyLasts)) return
    const closed = await closeOnce(id)
    if (isDone(closed)) postponed.delete(id)
  }

  return {
    close: closeOnce,
    async reap() {
      const due = (await store.due(now())).map(({ id }) => id)
      for (const id of postponed.keys()) if (!due.includes(id)) postponed.delete(id)
      await Promise.all(Array.from({ length: atOnce }, async () => {
        for (let id = due.shift(); id !== undefined; id = due.shift()) await reapOne(id).catch((error) => { if (!isToBeExpected(error)) onDefect(`to close namespace ${id}`, error) })
      }))
    },
    async follow() {
      for (const { ns, at } of await store.closings(heard)) {
        heard = Math.max(heard, at)
        if (!closing.has(ns)) cut(ns)
      }
    },
    listenAnew: () => { heard = 0 },
    again: () => postponed.clear(),
  }
}

function isDone({ left, waiting }: Closed): boolean {
  return left.length === 0 && waiting === undefined
}

function dutyOf(ns: string): string {
  return `close ${ns}`
}

function kindsOf(removed: Removed): (keyof Removed)[] {
  return Object.keys(removed) as (keyof Removed)[]
}

/** A store that is away says so by itself, and what another gateway has closed meanwhile is no failure. */
function isToBeExpected(error: unknown): boolean {
  return error instanceof Refusal && [404, 503].includes(error.status)
}
