import type { FarmHost } from '../../lib/farm.ts'
import { Refusal } from '../../lib/refusal.ts'
import type { LiveHost } from './host.ts'

/** A connected host and what the farm says of it. */
export interface PoolHost {
  record: FarmHost
  live: LiveHost
}

/** The engines of this gateway, by name. */
export interface HostPool {
  /** Throws `Refusal` 503 when no host has this name. */
  get(name: string): LiveHost
  /** The same, and throws `Refusal` 503 naming the host while it does not answer. */
  answering(name: string): LiveHost
  has(name: string): boolean
  all(): LiveHost[]
  /** All with what the farm says of them. */
  entries(): PoolHost[]
  /** Any host that is up, or else any: for what every host would say alike. Throws `Refusal` 503 when there is none. */
  any(): LiveHost
  /** Makes the pool be these hosts: connects to new ones, anew to those that moved, and lets go of the others. */
  set(records: readonly FarmHost[]): void
  stop(): Promise<void>
}

/** An empty pool; `connect` begins the life of a host. */
export function hostPool(connect: (record: FarmHost) => LiveHost): HostPool {
  const hosts = new Map<string, PoolHost>()
  const entries = () => [...hosts.values()]
  const all = () => entries().map(({ live }) => live)
  const get = (name: string) => hosts.get(name)?.live ?? raise(new Refusal(503, `host ${name} is not in this gateway's pool; ask the operator to add it again`))

  function begin(record: FarmHost, before: PoolHost | undefined): void {
    if (before && address(before.record) === address(record)) return void (before.record = record)
    void before?.live.stop()
    hosts.set(record.name, { record, live: connect(record) })
  }

  return {
    all, entries, get,
    has: (name) => hosts.has(name),
    answering(name) {
      const host = get(name)
      if (!host.up()) throw new Refusal(503, `host ${name} does not answer (${host.away()}); the namespace continues when the engine is back`)
      return host
    },
    any: () => all().find((host) => host.up()) ?? all()[0] ?? raise(new Refusal(503, 'this gateway has no hosts; ask the operator to add one')),
    set(records) {
      const names = new Set(records.map(({ name }) => name))
      for (const [name, { live }] of hosts) {
        if (names.has(name)) continue
        hosts.delete(name)
        void live.stop()
      }
      for (const record of records) begin(record, hosts.get(record.name))
    },
    async stop() {
      await Promise.all(all().map((host) => host.stop()))
    },
  }
}

function address({ url, tls }: FarmHost): string {
  return JSON.stringify([url, tls?.ca, tls?.cert, tls?.key])
}

function raise(refusal: Refusal): never {
  throw refusal
}
