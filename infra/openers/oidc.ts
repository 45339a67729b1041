import { createHash } from 'node:crypto'
import type * as Library from 'jose'
import type { Farm } from '../../lib/farm.ts'
import type { Issuer } from '../config.ts'
import { grantOf, type Claims } from '../../lib/openers/rules.ts'
import type { Opener, Use } from '../../lib/openers/opener.ts'
import { Refusal } from '../../lib/refusal.ts'

/** Seconds by which clocks of issuer and gateway may differ. */
const clockTolerance = 60
/** Seconds after which a token is too old to open with, even when its issuer lets it live longer. */
const maxAge = 3600
/** Milliseconds for which an issuer's keys are kept, and after which an unknown key is asked for again. */
const [keysKept, keysAskedAgain] = [600_000, 30_000]

export interface OidcParts {
  issuers: readonly Issuer[]
  /** Over all gateways. */
  store: Pick<Farm, 'spend' | 'unspend'>
}

/** Says who bears a token of one of the issuers. */
export interface Oidc {
  /**
   * The opener, or undefined when the text is no token of a known issuer. Throws `Refusal` 401 for a token that is not valid, 403 when no rule
   * matches it, 503 when the issuer's keys cannot be had.
   */
  opener(token: string): Promise<{ opener: Opener; use: Use } | undefined>
}

/**
 * OIDC tokens of CI systems (OpenID Connect Core 1.0; RFC 7519, RFC 8725): signature algorithms are pinned, issuer and audience are lists of
 * the config, keys come from the issuer's discovery document and are cached. Every token opens one namespace (`Use`).
 */
export function oidc({ issuers, store }: OidcParts): Oidc {
  const verifiers = new Map(issuers.map((issuer) => [issuer.issuer, verifier(issuer)]))
  return {
    async opener(token) {
      const name = issuerOf(token)
      const verify = name === undefined ? undefined : verifiers.get(name)
      if (!verify) return undefined
      const { issuer, claims } = await verify(token)
      const subject = claims['sub']
      if (typeof subject !== 'string' || !subject.isWellFormed()) throw new Refusal(401, `the token of ${issuer.issuer} is not valid: its subject (sub) is no text`)
      const grant = grantOf(issuer.rules, claims)
      if (!grant) throw new Refusal(403, `no rule of this gateway matches the token of ${issuer.issuer} for ${subject}; the operator adds one under oidc.rules`)
      const left = (Number(claims['exp']) + clockTolerance) * 1000 - Date.now()
      return {
        opener: { name: `${issuer.issuer}#${subject}`, operator: false, grant },
        async use() {
          const once = typeof claims['jti'] === 'string' ? `${issuer.issuer} ${claims['jti']}` : token
          const what = `oidc:${digest(once)}`
          if (await store.spend(what, Math.max(left, 1000))) return () => store.unspend(what)
          throw new Refusal(401, 'this token has opened a namespace already, and each token opens one; ask the CI system for a new one')
        },
      }
    },
  }
}

type Verify = (token: string) => Promise<{ issuer: Issuer; claims: Claims }>

function verifier(issuer: Issuer): Verify {
  let keys: Promise<Keys> | undefined
  return async (token) => {
    const jose = await import('jose')
    keys ??= keysOf(jose, issuer)
    keys.catch(() => { keys = undefined })
    const options = {
      issuer: issuer.issuer, audience: issuer.audience, algorithms: issuer.algorithms, clockTolerance, maxTokenAge: maxAge, requiredClaims: ['sub', 'exp', 'iat'],
    }
    try {
      const { payload } = await jose.jwtVerify(token, await keys, options)
      return { issuer, claims: payload }
    } catch (error) {
      throw refused(jose, issuer, error)
    }
  }
}

type Jose = typeof Library
type Keys = ReturnType<Jose['createRemoteJWKSet']>

async function keysOf({ createRemoteJWKSet }: Jose, issuer: Issuer): Promise<Keys> {
  const url = new URL(issuer.jwks ?? await discovered(issuer.issuer))
  return createRemoteJWKSet(url, { cacheMaxAge: keysKept, cooldownDuration: keysAskedAgain, timeoutDuration: 5_000 })
}

/** The `jwks_uri` of the issuer (OpenID Connect Discovery 1.0, section 4). */
async function discovered(issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { redirect: 'manual', signal: AbortSignal.timeout(5_000) })
  if (!response.ok) throw new Error(`its discovery document answers ${response.status}`)
  const document = await response.json() as { issuer?: unknown; jwks_uri?: unknown }
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') throw new Error('its discovery document is for another issuer')
  return document.jwks_uri
}

/** The issuer that a token claims, before anything of it is believed. */
function issuerOf(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.', 2)[1] ?? '', 'base64url').toString('utf8'))
    return typeof claims?.iss === 'string' ? claims.iss : undefined
  } catch {
    return undefined
  }
}

function refused({ errors }: Jose, issuer: Issuer, error: unknown): Refusal {
  const isAway = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || !(error instanceof errors.JOSEError)
  const reason = error instanceof Error ? error.message : String(error)
  const refusal = isAway
    ? new Refusal(503, `the keys of ${issuer.issuer} cannot be had (${reason}); try again`)
    : new Refusal(401, `the token of ${issuer.issuer} is not valid: ${reason}; ask for one with the audience ${issuer.audience.join(' or ')}`)
  refusal.cause = error
  return refusal
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
