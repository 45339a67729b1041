import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Operations } from '../functions/operations.ts'
import { at } from '../lib/engine-path.ts'
import type { Load } from '../lib/farm.ts'
import type { Policy } from '../lib/policy.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Kind, Namespace, Store } from '../lib/store.ts'
import type { HostPool } from './hosts/pool.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Recent } from './observe/recent.ts'

export interface OperationsParts {
  store: Store
  hosts: HostPool
  policy(name: string): Policy
  metrics: Metrics
  recent: Recent
  authorised(token: string): Promise<boolean>
  /** Says in the store that this gateway lives, which is a change of it. */
  live(): Promise<void>
  now(): number
}

/** Namespaces shown at one time, the newest; a page with all of a farm's would help nobody. */
const shownAtOnce = 200

/** Milliseconds: at most, and at least, that long between two pictures of the page. */
const [soonest, latest] = [500, 3_000]

/** Milliseconds a check may take before it counts as failed. */
const patience = 5_000

const counted = ['container', 'network', 'volume', 'image'] as const

/** The operators' side of a gateway. */
export function operations({ store, hosts, policy, metrics, recent, authorised, live, now }: OperationsParts): Operations {
  async function overview(): Promise<unknown> {
    const [namespaces, loads] = await Promise.all([store.namespaces(), store.loads()])
    const all = namespaces.toSorted((one, other) => other.opened - one.opened)
    return {
      at: now(),
      hosts: hosts.entries().map((entry) => shownHost(entry, loads.get(entry.record.name))),
      total: all.length,
      namespaces: await Promise.all(all.slice(0, shownAtOnce).map(shownNamespace)),
      refusals: recent.refusals(),
      closed: recent.closed(),
    }
  }

  async function shownNamespace(namespace: Namespace): Promise<unknown> {
    const counts = await Promise.all(counted.map(async (kind: Kind) => [`${kind}s`, (await store.claims(namespace.id, kind)).length]))
    return { ...namespace, ...Object.fromEntries(counts), lastCall: recent.lastCall(namespace.id), limits: limitsOf(namespace.policy) }
  }

  /** A policy may have left the configuration since. */
  function limitsOf(name: string): Policy['limits'] | undefined {
    try {
      return policy(name).limits
    } catch {
      return undefined
    }
  }

  return {
    authorised, overview, exposition: metrics.exposition, page,
    async problems() {
      const checks = [
        complaint(live),
        anyHost(hosts).then((ok) => ok ? undefined : 'no host answers'),
      ]
      return (await Promise.all(checks)).filter((problem) => problem !== undefined)
    },
    async *overviews(signal) {
      while (!signal.aborted) {
        yield await overview()
        await changed(recent, signal)
      }
    },
  }
}

function shownHost({ record, live }: ReturnType<HostPool['entries']>[number], load: Load | undefined): unknown {
  const facts = live.up() ? live.facts() : undefined
  return {
    name: record.name, url: record.url, up: live.up(), draining: record.drained, engine: facts?.engineVersion,
    memory: record.memory ?? facts?.info['MemTotal'], cpus: record.cpus ?? facts?.info['NCPU'],
    reservedMemory: load?.memory ?? 0, reservedCpus: load?.cpus ?? 0, namespaces: load?.namespaces ?? 0,
  }
}

/** Why the store does not take a change now: reading works on a full disk too. */
async function complaint(change: () => Promise<void>): Promise<string | undefined> {
  const unanswered = 'the store does not answer'
  return Promise.race([
    change().then(() => undefined, (error) => error instanceof Refusal ? error.message : unanswered),
    sleep(patience, unanswered, { ref: false }),
  ])
}

async function answersInTime(work: () => Promise<unknown>): Promise<boolean> {
  const late = sleep(patience, false, { ref: false })
  return Promise.race([work().then(() => true, () => false), late])
}

async function anyHost(hosts: HostPool): Promise<boolean> {
  const answers = hosts.all().map((host) => answersInTime(async () => {
    const { status } = await host.call({ method: 'GET', path: at`/_ping` })
    if (status !== 200) throw new Error(`the engine answered ${status}`)
  }))
  return (await Promise.all(answers)).includes(true)
}

/** Waits for something new to show, not shorter and not longer than the page needs. */
async function changed(recent: Recent, signal: AbortSignal): Promise<void> {
  const told = new AbortController()
  const end = recent.onNews(() => told.abort())
  await sleep(soonest, undefined, { signal }).catch(() => {})
  if (!told.signal.aborted) await sleep(latest - soonest, undefined, { signal: AbortSignal.any([signal, told.signal]) }).catch(() => {})
  end()
}

const files: Record<string, { path: string; type: string }> = {
  '': { path: 'index.html', type: 'text/html; charset=utf-8' },
  'style.css': { path: 'style.css', type: 'text/css; charset=utf-8' },
  'script.js': { path: 'script.js', type: 'text/javascript; charset=utf-8' },
}

function page(name: string): { body: string; type: string } | undefined {
  const file = Object.hasOwn(files, name) ? files[name] : undefined
  return file && { body: readFileSync(new URL(`dashboard/${file.path}`, import.meta.url), 'utf8'), type: file.type }
}
