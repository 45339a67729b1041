import { createHash, randomBytes } from 'node:crypto'
import { farmMark } from '../lib/names.ts'
import type { Store } from '../lib/store.ts'

/** Who this gateway is among those of its farm. */
export interface GatewayIdentity {
  /** Unique for each start of a gateway. */
  readonly id: string
  /** Is no other gateway possible, because the store is a file of this one? */
  readonly alone: boolean
  /** What tokens of this farm begin with. */
  readonly mark: string
  /** Says that this gateway lives; to be called more often than every fifteen seconds. */
  live(): Promise<void>
  /** Does the gateway with this id live? It does until it was seen dead twice, half a minute apart, since a store that was away knows nobody's life. */
  isAlive(id: unknown): Promise<boolean>
  leave(): Promise<void>
}

/** Milliseconds for which a sign of life lasts, and between the two looks at a dead one. */
const [lifeLasts, deadFor] = [15_000, 30_000]

/** `authority` is what all gateways of a farm, and nobody else, have: the certificate of their authority. */
export function gatewayIdentity(store: Store, alone: boolean, authority: string): GatewayIdentity {
  const id = randomBytes(8).toString('hex')
  const dead = new Map<string, number>()
  const duty = (gateway: string) => `gateway ${gateway}`
  return {
    id, alone,
    mark: farmMark(createHash('sha256').update(authority).digest()),
    async live() {
      await store.takeDuty(duty(id), id, lifeLasts)
    },
    async isAlive(other) {
      if (other === id) return true
      if (alone || typeof other !== 'string') return !alone
      if (!await store.takeDuty(duty(other), id, 1)) {
        dead.delete(other)
        return true
      }
      const since = dead.get(other) ?? performance.now()
      dead.set(other, since)
      return performance.now() - since < deadFor
    },
    async leave() {
      await store.leaveDuty(duty(id), id)
    },
  }
}
