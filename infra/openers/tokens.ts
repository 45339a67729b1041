import { createHash, randomBytes } from 'node:crypto'
import type { TokenControl } from '../../functions/namespaces.ts'
import type { TokenRecord } from '../../lib/farm.ts'
import type { Policy } from '../../lib/policy.ts'
import { Refusal } from '../../lib/refusal.ts'
import type { Store } from '../../lib/store.ts'

/** Tokens that operators make for CI systems without OIDC. A token is told once, when it is made; the store has its hash. */
export function tokenControl(store: Store, policy: (name: string) => Policy): TokenControl {
  return {
    async list() {
      return (await store.tokens()).map(shown)
    },
    async create({ name, policies, domain, label = '', lifetime, namespaces, expires }) {
      for (const one of policies) policy(one)
      const token = `moorage_${randomBytes(32).toString('base64url')}`
      const created = Date.now()
      const record = { name, hash: tokenHash(token), grant: { policies, domain, label, lifetime, ...(namespaces !== undefined && { namespaces }) }, created, expires: created + expires * 1000 }
      if (!await store.addToken(record)) throw new Refusal(409, `there is a token ${name} already; revoke it first, or take another name`)
      return { ...shown(record), token }
    },
    async revoke(name) {
      if (!await store.removeToken(name)) throw new Refusal(404, `no such token: ${name}`)
      return { name }
    },
  }
}

/** What the store keeps of a token; the token is random enough not to need salt. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function shown({ name, grant, created, expires }: TokenRecord) {
  return { name, ...grant, created: new Date(created).toISOString(), expires: new Date(expires).toISOString() }
}
