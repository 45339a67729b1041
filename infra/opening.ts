import { randomBytes } from 'node:crypto'
import type { OpenWish } from '../functions/namespaces.ts'
import type { Opener, Use } from '../lib/openers/opener.ts'
import type { Admission } from '../lib/admission.ts'
import { namespaceToken } from '../lib/names.ts'
import { roomOf, type Overcommit } from '../lib/placement.ts'
import type { Policy } from '../lib/policy.ts'
import { forbidden, Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'
import type { Authority } from './certificates.ts'
import { unfit, type Fitness } from './hosts/fitness.ts'
import type { Hosts } from './hosts/pool.ts'
import { leaseEnd } from './leases.ts'
import { placer, type Roomy } from './placement.ts'

export interface OpeningParts {
  store: Store
  authority: Omit<Authority, 'server'>
  hosts: Hosts
  fitness: Pick<Fitness, 'of'>
  admission: Admission
  overcommit: Overcommit
  /** What tokens of this farm begin with. */
  mark: string
  policy(name: string): Policy
  /** Milliseconds since the epoch. */
  now(): number
}

/** A new namespace, and what its job proves to be it with (PEM texts). */
export interface Opened {
  namespace: Namespace
  ca: string
  cert: string
  /** Absent when the job asked for a certificate of its own key. */
  key?: string
}

/**
 * Opens namespaces on the hosts of the pool. Throws `Refusal` 400 for an unknown policy or a certification request that is none, 401 for a token that
 * is used up, 403 for a policy the opener may not use, 429 when it has as many namespaces as it may, and 503 when no host takes it. What is refused
 * uses no token.
 */
export function opener({ store, authority, hosts, fitness, admission, overcommit, mark, policy: policyOf, now }: OpeningParts): (wish: OpenWish, by: Opener, use: Use) => Promise<Opened> {
  const place = placer(store, () => performance.now())
  const certify = async (id: string, expires: Date, csr: string | undefined) => {
    if (csr === undefined) return authority.namespace(id, expires)
    const cert = await authority.namespaceForRequest(id, expires, csr)
    if (cert === undefined) throw new Refusal(400, 'csr: no certification request (PKCS #10, PEM) of an ECDSA, Ed25519 or RSA key of at least 2048 bits, signed with that key')
    return { cert }
  }
  return async (wish, by, use) => {
    const { policy: name, label, domain, lifetime } = granted(wish, by)
    const policy = policyOf(name)
    const opened = now()
    const expires = opened + Math.min(lifetime ?? policy.lifetime, policy.lifetime) * 1000
    const id = namespaceToken(randomBytes(16), mark)
    const lease = leaseEnd(expires, policy.idle * 1000, opened)
    const { memory = 0, cpus = 0 } = policy.limits
    const roomy = takers(hosts, overcommit, (host) => unfit(fitness.of(host), admission))
    // A request that is none leaves no namespace behind.
    // While this machine's clock is ahead of the farm's, the certificate lasts by what it will be compared with.
    const pair = await certify(id, new Date(expires + Math.max(0, Date.now() - opened)), wish.csr)
    const giveBack = await use()
    const record = { id, policy: name, label, domain: domain ?? id, by: by.name, opened, expires, lease, state: 'open' } as const
    const namespace = await place(record, { memory, cpus }, roomy, by.grant?.namespaces).catch(async (error) => {
      // A store whose answer was lost may have opened it.
      if (await store.find(id).catch(() => true) === undefined) await giveBack()
      throw error
    })
    hosts.get(namespace.host).groups.prepare(namespace, policy)
    return { namespace, ca: authority.caPem, ...pair }
  }
}

interface GrantedWish {
  policy: string
  label: string
  domain: string | undefined
  lifetime: number | undefined
}

/** What is opened for a wish: what the opener's grant says, and where it leaves a choice, what was asked for. */
function granted({ policy, label, domain, lifetime }: OpenWish, { name, grant }: Opener): GrantedWish {
  if (grant === undefined) return { policy: policy ?? 'default', label: label ?? '', domain, lifetime }
  const { policies } = grant
  if (policy !== undefined && !policies.includes(policy)) {
    throw forbidden({ field: `the policy ${policy}`, why: `${name} may open namespaces with ${policies.join(', ')}`, instead: 'ask for one of these, or for none' })
  }
  if (domain !== undefined && domain !== grant.domain) {
    throw forbidden({ field: `the domain ${domain}`, why: `the trust domain of ${name} is given by the gateway's rules`, instead: 'leave it out' })
  }
  const most = grant.lifetime ?? Infinity
  return { policy: policy ?? policies[0]!, label: label ?? grant.label, domain: grant.domain, lifetime: Math.min(lifetime ?? most, most) === Infinity ? undefined : Math.min(lifetime ?? most, most) }
}

/** The hosts that may take a namespace: up, not drained and fit. Throws `Refusal` 503 saying why when there is none. */
function takers(hosts: Hosts, overcommit: Overcommit, unfitness: (host: string) => string | undefined): Roomy[] {
  const all = hosts.entries().map(({ record, live }) => {
    const { name, drained } = record
    if (!live.up()) return { name, why: `does not answer (${live.away()})` }
    if (drained) return { name, why: 'is drained' }
    const why = unfitness(name)
    if (why !== undefined) return { name, why }
    const { memory = 0, cpus = 0 } = roomOf(record, live.facts().info, overcommit)
    return { name, of: { memory, cpus } }
  })
  const roomy = all.filter((host) => host.of !== undefined)
  if (roomy.length > 0) return roomy
  const reasons = all.slice(0, 5).map(({ name, why }) => `host ${name} ${why}`)
  throw new Refusal(503, reasons.length > 0 ? `no host takes namespaces: ${reasons.join('; ')}` : 'this farm has no hosts; ask the operator to add one')
}
