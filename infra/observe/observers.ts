import type { Observer } from '../../lib/outcome.ts'
import type { Store } from '../../lib/store.ts'
import type { Config } from '../config.ts'
import type { HostPool } from '../hosts/pool.ts'
import { ClientGone } from '../server/connection.ts'
import { audit, type AuditTalk } from './audit.ts'
import { metrics, type Metrics } from './metrics.ts'
import { recent, type Recent } from './recent.ts'

/** What the observers tell the operator. */
export interface ObserverTalk extends AuditTalk {
  /** A defect of the gateway: what was thrown while it did `what`, in words that follow "failed". */
  defect(what: string, error: unknown): void
  /** Every call, for a log that wants them. */
  call: Observer
}

export interface Observers {
  /** Tells all of them. */
  observe: Observer
  metrics: Metrics
  recent: Recent
  /** After a log rotation. */
  reopen(): void
  stop(): void
}

/** All that watches what becomes of calls: metrics, the page's memory, the audit stream and the log of defects. */
export async function observers(config: Pick<Config, 'audit'>, { store, hosts, connections }: { store: Store; hosts: HostPool; connections(): number },
  talk: ObserverTalk): Promise<Observers> {
  const counting = metrics({
    connections,
    hosts: () => hosts.entries().map(({ record, live }) => ({ name: record.name, up: live.up(), draining: record.drained })),
    namespaces: () => store.namespaces(),
  })
  const remembering = recent()
  const auditing = config.audit && await audit(config.audit, talk)
  return {
    metrics: counting, recent: remembering,
    observe(outcome) {
      counting.observe(outcome)
      remembering.observe(outcome)
      auditing?.observe(outcome)
      talk.call(outcome)
      if (outcome.failure !== undefined && !(outcome.failure instanceof ClientGone)) talk.defect(`to handle ${outcome.endpoint}`, outcome.failure)
    },
    reopen: () => auditing?.reopen(),
    stop: () => auditing?.stop(),
  }
}
