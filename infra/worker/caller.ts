import { createHash, timingSafeEqual } from 'node:crypto'
import { namespacePattern } from '../../lib/names.ts'

/** What the platform says of the client's certificate (Cloudflare, `request.cf.tlsClientAuth`). */
interface ClientCertificate {
  certPresented?: string
  certVerified?: string
  certSubjectDN?: string
  certIssuerDN?: string
}

/**
 * The namespace a request is of: by the client certificate that the platform verified, or by what a proxy says that verified it and proves
 * itself with the secret. `subject`: of the farm's authority.
 */
export function callerOf(request: Request, { subject, secret }: { subject: string; secret: string | undefined }): string | undefined {
  const { certPresented, certVerified, certSubjectDN, certIssuerDN } = (request as { cf?: { tlsClientAuth?: ClientCertificate } }).cf?.tlsClientAuth ?? {}
  if (certPresented === '1' && certVerified === 'SUCCESS' && certIssuerDN === subject) return named(/^CN=(.*)$/.exec(certSubjectDN ?? '')?.[1])
  const proof = request.headers.get('x-moorage-proxy')
  if (secret === undefined || proof === null || !equal(proof, secret)) return undefined
  return named(request.headers.get('x-moorage-namespace') ?? undefined)
}

function named(ns: string | undefined): string | undefined {
  return ns !== undefined && namespacePattern.test(ns) ? ns : undefined
}

function equal(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
