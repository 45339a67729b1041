import { X509Certificate } from 'node:crypto'
import { Refusal } from '../../lib/refusal.ts'
import type { Store } from '../../lib/store.ts'
import type { Authority } from '../certificates.ts'
import { clientWish } from '../client-certificate.ts'
import { importIssuer, issue, issueForRequest } from '../issue.ts'

/** What the gateways of a farm have in common, as its first gateway left it in the store (infra/farm.ts). */
export interface FarmAuthority extends Omit<Authority, 'server'> {
  /** The certificate's subject, as it is the issuer in those it signed. */
  readonly subject: string
  readonly operatorToken: string
  readonly secret: string
}

/** Throws `Refusal` 503 when no gateway has founded the farm yet. */
export async function farmAuthority(store: Pick<Store, 'kept'>): Promise<FarmAuthority> {
  const kept = await store.kept('authority')
  if (kept === undefined) {
    throw new Refusal(503, 'this store has no farm yet: a Worker joins one and cannot found it; start a gateway with `moorage serve --store URL` once')
  }
  const files = JSON.parse(kept) as Record<'ca.pem' | 'ca-key.pem' | 'operator-token' | 'secret', string>
  const pair = { cert: files['ca.pem'], key: files['ca-key.pem'] }
  return {
    caPem: pair.cert, subject: new X509Certificate(pair.cert).subject, operatorToken: files['operator-token'].trim(), secret: files.secret.trim(),
    namespace: async (ns, expires) => issue(await importIssuer(pair), clientWish(ns, expires)),
    namespaceForRequest: async (ns, expires, csr) => issueForRequest(await importIssuer(pair), clientWish(ns, expires), csr),
  }
}
