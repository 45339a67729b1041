import { randomBytes } from 'node:crypto'
import type { OpenWish } from '../functions/namespaces.ts'
import { namespaceToken } from '../lib/names.ts'
import type { Policy } from '../lib/policy.ts'
import { Refusal } from '../lib/refusal.ts'
import type { Namespace, Store } from '../lib/store.ts'
import type { Authority } from './certificates.ts'
import type { HostPool } from './hosts/pool.ts'

export interface OpeningParts {
  store: Store
  authority: Authority
  hosts: HostPool
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
export function opener({ store, authority, hosts, policy: policyOf }: OpeningParts): (wish: OpenWish) => Promise<Opened> {
  return async ({ policy: name, label, domain, lifetime }) => {
    const policy = policyOf(name)
    const host = hosts.any()
    if (!host.up()) throw new Refusal(503, `host ${host.name} is not up; try again when its engine answers`)
    const opened = Date.now()
    const expires = opened + Math.min(lifetime ?? policy.lifetime, policy.lifetime) * 1000
    const id = namespaceToken(randomBytes(16))
    const namespace: Namespace = { id, host: host.name, policy: name, label, domain: domain ?? id, opened, expires, lease: expires, state: 'open' }
    const { cert, key } = await authority.namespace(id, new Date(expires))
    await store.open(namespace)
    host.groups.prepare(namespace, policy)
    return { namespace, ca: authority.caPem, cert, key }
  }
}
