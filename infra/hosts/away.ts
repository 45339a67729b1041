import { Refusal } from '../../lib/refusal.ts'

/** What codes of TLS and ssh mean for an operator, with the remedy. Node's names of OpenSSL's errors and alerts (RFC 8446, section 6.2). */
const meanings: [codes: RegExp, meaning: string][] = [
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired; renew it and restart the engine'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet; compare the clocks'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for other names than the one in the host\'s URL; use one of those, or make a certificate with this one'],
  [/^(UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|(DEPTH_ZERO_SELF|SELF)_SIGNED_CERT(_IN_CHAIN)?|CERT_SIGNATURE_FAILURE)$/,
    'its certificate is not of the authority in tls.ca; give the one that signed it'],
  [/ALERT_CERTIFICATE_REQUIRED$/, 'it wants a certificate of the gateway; give tls.cert and tls.key'],
  [/ALERT_CERTIFICATE_EXPIRED$/, 'it says that the certificate in tls.cert has expired; renew it'],
  [/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_REVOKED|ACCESS_DENIED)$/,
    'it does not accept the certificate in tls.cert; give one of the authority that the engine was started with (--tlscacert), for clients'],
  [/^ERR_OSSL_X509_KEY_VALUES_MISMATCH$/, 'tls.key is not the key of the certificate in tls.cert'],
  [/^ERR_OSSL_(PEM|ASN1|X509|UNSUPPORTED|EVP)/, 'tls.ca, tls.cert or tls.key is no usable PEM text'],
  [/^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG))$/, 'it does not speak TLS; leave tls out, or start the engine with --tlsverify'],
]

/** Codes of connections that were not made or broke. */
const broken = /^(ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|EACCES|EPROTO|ESSH|ERR_SSL_|ERR_TLS_|ERR_OSSL_|UND_ERR_(SOCKET|CONNECT_TIMEOUT|CLOSED|DESTROYED))/

/** The shortest true words for why an engine is away: the system's code, and what it means where operators can do something about it. */
export function whyAway(error: unknown): string {
  const { cause, code, message } = error as Error & { code?: string }
  const known = (cause as { code?: string } | undefined)?.code === undefined ? { code, message } : cause as { code: string; message: string }
  if (known.code === undefined) return known.message
  if (known.code === 'ESSH') return `ssh: ${known.message}`
  const meaning = meanings.find(([codes]) => codes.test(known.code!))?.[1]
  return meaning === undefined ? known.code : `${known.code}: ${meaning}`
}

/** What the kernel says of a connection for which this process or this machine has no room; EAGAIN: the engine's queue of connections is full. */
const noRoom = /^(EMFILE|ENFILE|EAGAIN|ENOBUFS|ENOMEM|EADDRNOTAVAIL)$/

/** What a client is told when the engine cannot be reached; any other error as it is. */
export function unreachable(name: string, error: unknown): unknown {
  const code = (error as { code?: string } | undefined)?.code ?? ''
  if (noRoom.test(code)) return refusedFor(error, `the gateway cannot open another connection to host ${name} now (${code}); try again when others have ended`)
  if (!broken.test(code) && !meanings.some(([codes]) => codes.test(code))) return error
  return refusedFor(error, `host ${name} does not answer (${whyAway(error)}); the namespace continues when the engine is back`)
}

function refusedFor(cause: unknown, message: string): Refusal {
  const refusal = new Refusal(503, message)
  refusal.cause = cause
  return refusal
}
