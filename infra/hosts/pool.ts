import type { FarmHost } from '../../lib/farm.ts'
import type { Host } from '../../lib/engine.ts'
import { Refusal } from '../../lib/refusal.ts'
import type { LiveHost } from './host.ts'

/** What opening, closing and listing namespaces need of a host, in every runtime. */
export type Member = Host & Pick<LiveHost, 'up' | 'away' | 'groups'>

/** A connected host and what the farm says of it. */
export interface PoolHost<H extends Member = LiveHost> {
  record: FarmHost
  live: H
}

/** The engines a gateway knows, by name. */
export interface Hosts<H extends Member = Member> {
  /** Throws `Refusal` 503 when no host has this name. */
  get(name: string): H
  /** The same, and throws `Refusal` 503 naming the host while it does not answer. */
  answering(name: string): H
  has(name: string): boolean
  all(): H[]
  /** All with what the farm says of them. */
  entries(): PoolHost<H>[]
  /** Any host that is up, or else any: for what every host would say alike. Throws `Refusal` 503 when there is none. */
  any(): H
}

/** Engines that a gateway stays connected to. */
export interface HostPool extends Hosts<LiveHost> {
  /** Makes the pool be these hosts: connects to new ones, anew to those that moved, and lets go of the others. */
  set(records: readonly FarmHost[]): void
  stop(): Promise<void>
}

/** An empty pool; `connect` begins the life of a host. */
export function hostPool(connect: (record: FarmHost) => LiveHost): HostPool {
  const hosts = new Map<string, PoolHost>()
  const all = () => [...hosts.values()].map(({ live }) => live)

  function begin(record: FarmHost, before: PoolHost | undefined): void {
    if (before && address(before.record) === address(record)) return void (before.record = record)
    void before?.live.stop()
    hosts.set(record.name, { record, live: connect(record) })
  }

  return {
    ...hostsOf(hosts),
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

/** The hosts of a map, which may change, with the refusals of those that are not there. */
export function hostsOf<H extends Member>(hosts: ReadonlyMap<string, PoolHost<H>>): Hosts<H> {
  const entries = () => [...hosts.values()]
  const all = () => entries().map(({ live }) => live)
  const get = (name: string) => hosts.get(name)?.live ?? raise(new Refusal(503, `host ${name} is not in this gateway's pool; ask the operator to add it again`))
  return {
    all, entries, get,
    has: (name) => hosts.has(name),
    answering(name) {
      const host = get(name)
      if (!host.up()) throw new Refusal(503, `host ${name} does not answer (${host.away()}); the namespace continues when the engine is back`)
      return host
    },
    any: () => all().find((host) => host.up()) ?? all()[0] ?? raise(new Refusal(503, 'this gateway has no hosts; ask the operator to add one')),
  }
}

function address({ url, tls }: FarmHost): string {
  return JSON.stringify([url, tls?.ca, tls?.cert, tls?.key])
}

function raise(refusal: Refusal): never {
  throw refusal
}
