import { createHash, timingSafeEqual } from 'node:crypto'
import { operator, type Opener, type Use } from '../../lib/openers/opener.ts'
import type { Farm } from '../../lib/farm.ts'
import { Refusal } from '../../lib/refusal.ts'
import { tokenHash } from './tokens.ts'
import type { Oidc } from './oidc.ts'

/** Someone who bears a token. */
export interface Bearer {
  opener: Opener
  use: Use
}

/** Says who bears a token; undefined when nobody does. Throws `Refusal` 401, 403 or 503 for tokens of CI systems (`Oidc.opener`). */
export type Recogniser = (token: string) => Promise<Bearer | undefined>

export interface RecogniserParts {
  operatorToken: string
  store: Pick<Farm, 'tokens'>
  oidc: Oidc
  now(): number
}

const asOftenAsWanted: Use = async () => async () => {}

/** The operator's token, the tokens operators made, and those of CI systems. */
export function recogniser({ operatorToken, store, oidc, now }: RecogniserParts): Recogniser {
  return async (token) => {
    if (timingSafeEqual(digest(token), digest(operatorToken))) return { opener: operator, use: asOftenAsWanted }
    // What is looked up is a hash, so that the time it takes says nothing about tokens.
    const hash = token.startsWith('moorage_') ? tokenHash(token) : undefined
    const made = hash && (await store.tokens()).find((one) => one.hash === hash)
    if (!made) return oidc.opener(token)
    if (made.expires <= now()) throw new Refusal(401, `the token ${made.name} has ended; the operator makes a new one with \`moorage token create\``)
    return { opener: { name: `token:${made.name}`, operator: false, grant: made.grant }, use: asOftenAsWanted }
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
