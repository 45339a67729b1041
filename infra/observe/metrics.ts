import type { Registry } from 'prom-client'
import type * as Prometheus from 'prom-client'
import type { Observer, Outcome } from '../../lib/outcome.ts'

/** What is counted when somebody looks. */
export interface Sights {
  /** Open connections of clients. */
  connections(): number
  /** Every host with its state. */
  hosts(): readonly { name: string; up: boolean; draining: boolean }[]
  /** Namespaces by host and state. May throw while the store is away. */
  namespaces(): Promise<readonly { host: string; state: string }[]>
}

export interface Metrics {
  observe: Observer
  /** The exposition text and its content type (Prometheus text format 0.0.4). */
  exposition(): Promise<{ text: string; type: string }>
}

/** Seconds; a call that waits for a container may take hours, so the last bucket says little and the first ones most. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]

/**
 * Counts calls for Prometheus. Labels are bounded: endpoints are row names, codes are status codes, hosts are the pool's; no name, id or text
 * of a job is ever a label. The library is loaded after the start and outcomes wait for it.
 */
export function metrics(sights: Sights): Metrics {
  let waiting: Outcome[] = []
  let count = (outcome: Outcome): void => void waiting.push(outcome)
  const made = import('prom-client').then((client) => {
    const registered = register(client, sights)
    count = registered.count
    for (const outcome of waiting) count(outcome)
    waiting = []
    return registered
  })
  return {
    observe: (outcome) => count(outcome),
    async exposition() {
      const { registry, look } = await made
      look(await sights.namespaces().catch(() => undefined))
      return { text: await registry.metrics(), type: registry.contentType }
    },
  }
}

type Client = Omit<typeof Prometheus, 'default'>

interface Registered {
  registry: Registry
  count(outcome: Outcome): void
  /** Takes in what the store said for this scrape; undefined when it said nothing. */
  look(namespaces: Awaited<ReturnType<Sights['namespaces']>> | undefined): void
}

function register(client: Client, sights: Sights): Registered {
  const registry = new client.Registry()
  const registers = [registry]
  client.collectDefaultMetrics({ register: registry })
  const requests = new client.Counter({ name: 'moorage_requests_total', help: 'Calls answered, by row of the whitelist and status code.', labelNames: ['endpoint', 'code'], registers })
  const refusals = new client.Counter({ name: 'moorage_refusals_total', help: 'Calls the gateway itself refused, by row and status code.', labelNames: ['endpoint', 'code'], registers })
  const permitted = new client.Counter({ name: 'moorage_permitted_total', help: 'What policies in mode observe would have refused, by row and setting.', labelNames: ['endpoint', 'setting'], registers })
  const seconds = new client.Histogram({ name: 'moorage_request_duration_seconds', help: 'Time until the answer was decided; for handed-over connections until they ended.', labelNames: ['endpoint'], buckets, registers })
  new client.Gauge({ name: 'moorage_connections', help: 'Open connections of clients.', registers, collect() { this.set(sights.connections()) } })
  new client.Gauge({
    name: 'moorage_host_up', help: '1 when the host answers, 0 when it is away.', labelNames: ['host'], registers,
    collect() { this.reset(); for (const { name, up } of sights.hosts()) this.set({ host: name }, up ? 1 : 0) },
  })
  new client.Gauge({
    name: 'moorage_host_draining', help: '1 when the host takes no new namespaces.', labelNames: ['host'], registers,
    collect() { this.reset(); for (const { name, draining } of sights.hosts()) this.set({ host: name }, draining ? 1 : 0) },
  })
  const reachable = new client.Gauge({ name: 'moorage_store_up', help: '1 when the store answered this scrape.', registers })
  const namespaces = new client.Gauge({ name: 'moorage_namespaces', help: 'Namespaces in the store, by host and state.', labelNames: ['host', 'state'], registers })
  return {
    registry,
    look(seen) {
      reachable.set(seen ? 1 : 0)
      namespaces.reset()
      for (const { host, state } of seen ?? []) namespaces.inc({ host, state })
    },
    count({ endpoint, status, took, refusal, permitted: done }) {
      for (const { setting } of done) permitted.inc({ endpoint, setting: setting!.path })
      requests.inc({ endpoint, code: status })
      seconds.observe({ endpoint }, took / 1000)
      if (refusal) refusals.inc({ endpoint, code: refusal.status })
    },
  }
}
