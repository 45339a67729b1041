import { randomBytes } from 'node:crypto'
import type { OpenWish } from '../functions/namespaces.ts'
import type { Admission } from '../lib/admission.ts'
import { namespaceToken } from '../lib/names.ts'
import type { Policy } from '../lib/policy.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'
import type { Authority } from './certificates.ts'
import { unfit, type Fitness } from './hosts/fitness.ts'
import type { HostPool } from './hosts/pool.ts'
import { leaseEnd } from './leases.ts'
import { placer, type Roomy } from './placement.ts'

export interface OpeningParts {
  store: Store
  authority: Authority
  hosts: HostPool
  fitness: Fitness
  admission: Admission
  /** What tokens of this farm begin with. */
  mark: string
  policy(name: string): Policy
}

/** A new namespace, and what its job proves to be it with (PEM texts). */
export interface Opened {
  namespace: Namespace
  ca: string
  cert: string
  key: string
}

/** Opens namespaces on the hosts of the pool. Throws `Refusal` 400 for an unknown policy and 503 when no host takes it. */
export function opener({ store, authority, hosts, fitness, admission, mark, policy: policyOf }: OpeningParts): (wish: OpenWish) => Promise<Opened> {
  const place = placer(store, Date.now)
  return async ({ policy: name, label, domain, lifetime }) => {
    const policy = policyOf(name)
    const opened = Date.now()
    const expires = opened + Math.min(lifetime ?? policy.lifetime, policy.lifetime) * 1000
    const id = namespaceToken(randomBytes(16), mark)
    const lease = leaseEnd(expires, policy.idle * 1000, opened)
    const { memory = 0, cpus = 0 } = policy.limits
    const roomy = takers(hosts, (host) => unfit(fitness.of(host), admission))
    const [namespace, { cert, key }] = await Promise.all([
      place({ id, policy: name, label, domain: domain ?? id, opened, expires, lease, state: 'open' }, { memory, cpus }, roomy),
      authority.namespace(id, new Date(expires)),
    ])
    hosts.get(namespace.host).groups.prepare(namespace, policy)
    return { namespace, ca: authority.caPem, cert, key }
  }
}

/** The hosts that may take a namespace: up, not drained and fit. Throws `Refusal` 503 saying why when there is none. */
function takers(hosts: HostPool, unfitness: (host: string) => string | undefined): Roomy[] {
  const all = hosts.entries().map(({ record, live }) => {
    const { name, drained } = record
    if (!live.up()) return { name, why: `does not answer (${live.away()})` }
    if (drained) return { name, why: 'is drained' }
    const why = unfitness(name)
    if (why !== undefined) return { name, why }
    const { MemTotal, NCPU } = live.facts().info
    return { name, of: { memory: record.memory ?? Number(MemTotal), cpus: record.cpus ?? Number(NCPU) } }
  })
  const roomy = all.filter((host) => host.of !== undefined)
  if (roomy.length > 0) return roomy
  const reasons = all.slice(0, 5).map(({ name, why }) => `host ${name} ${why}`)
  throw new Refusal(503, reasons.length > 0 ? `no host takes namespaces: ${reasons.join('; ')}` : 'this farm has no hosts; ask the operator to add one')
}
