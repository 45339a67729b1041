import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineEvent } from '../../lib/events.ts'
import { clearLeft } from '../../lib/images/real.ts'
import { reconcileImages } from '../../lib/images/reconcile.ts'
import { reconcile } from '../../lib/reconcile.ts'
import type { Kind, Store } from '../../lib/store.ts'
import type { HostConfig } from '../config.ts'
import type { Relays } from '../ports/relays.ts'
import { turns } from '../turns.ts'
import type { GroupKeeper } from './group-keeper.ts'
import { liveHost, type LiveHost } from './host.ts'

/** What the gateway tells its operator while it runs. */
export interface Talk {
  hostUp(name: string, url: string, engineVersion: string): void
  hostAway(name: string, url: string, reason: string): void
  /** Namespaces on this host are not limited as a whole. */
  hostUnlimited(name: string, reason: string): void
}

/** What attending a host takes. */
export interface Attendance {
  sharedImages: readonly string[]
  store: Store
  ports: Relays
  groups: GroupKeeper
  /** Where its published ports listen; undefined when the gateway would not reach them. */
  publishOn: string | undefined
  talk: Talk
}

/** Connects to a host and does what the house does about its life: claims and relays follow what the engine does. */
export function attendHost({ name, url, tls }: HostConfig, { sharedImages, store, ports, groups, publishOn, talk }: Attendance): LiveHost {
  let first = true
  const host = liveHost({
    name, url, tls, sharedImages, publishOn, turns: turns(store.turns), groups,
    onUnlimited: (reason) => talk.hostUnlimited(name, reason),
    async onConnected(connected) {
      await reconcile(connected, store, first)
      await reconcileImages(connected, store)
      await ports.resume(connected)
      connected.groups.reset()
      void groups.tend(connected)
      talk.hostUp(name, url, connected.facts().engineVersion)
      if (!first) void settleLater(connected, store)
      first = false
    },
    async onEvent(event, ns) {
      await releaseDestroyed(store, event)
      // Not waited for: other events must not wait for this container. What fails here is caught up with when the host is there again.
      if (ns !== undefined) void ports.changed(host, ns, event).catch(() => {})
    },
    onAway: (reason) => talk.hostAway(name, url, reason),
    async ownerOf(kind, id) {
      return (await store.owners(kind as Kind, id))[0]
    },
  })
  const tidying = setInterval(() => { if (host.up()) clearLeft(host).catch((error) => console.error(error)) }, tidyEvery)
  return {
    ...host,
    async stop() {
      clearInterval(tidying)
      await host.stop()
    },
  }
}

/** Milliseconds between looks for what other gateways left on the host when they died. */
const tidyEvery = 10_000

/** After an outage, names reserved before it are settled once the calls that held them have failed. */
async function settleLater(host: LiveHost, store: Store): Promise<void> {
  await sleep(3_000, undefined, { ref: false })
  await reconcile(host, store, false).catch((error) => console.error(error))
}

/** Objects end on the engine by themselves (`--rm`, `rm -v`): their claims end with them. */
async function releaseDestroyed(store: Store, event: EngineEvent): Promise<void> {
  if (event.Action !== 'destroy') return
  const kind = event.Type as Kind
  if (kind !== 'container' && kind !== 'network' && kind !== 'volume') return
  for (const ns of await store.owners(kind, event.Actor.ID)) await store.releaseId(ns, kind, event.Actor.ID)
}
