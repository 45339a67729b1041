import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineEvent } from '../../lib/events.ts'
import { reconcile } from '../../lib/reconcile.ts'
import type { Kind, Store } from '../../lib/store.ts'
import type { HostConfig } from '../config.ts'
import { liveHost, type LiveHost } from './host.ts'

/** What the gateway tells its operator while it runs. */
export interface Talk {
  hostUp(name: string, url: string, engineVersion: string): void
  hostAway(name: string, url: string, reason: string): void
}

/** Connects to a host and does what the house does about its life: claims follow what the engine destroys. */
export function attendHost({ name, url, tls }: HostConfig, sharedImages: readonly string[], store: Store, talk: Talk): LiveHost {
  let first = true
  return liveHost({
    name, url, tls, sharedImages,
    async onConnected(connected) {
      await reconcile(connected, store, first)
      talk.hostUp(name, url, connected.facts().engineVersion)
      if (!first) void settleLater(connected, store)
      first = false
    },
    onEvent: (event) => releaseDestroyed(store, event),
    onAway: (reason) => talk.hostAway(name, url, reason),
    async ownerOf(kind, id) {
      return (await store.owners(kind as Kind, id))[0]
    },
  })
}

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
