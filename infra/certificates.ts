import { X509Certificate, createPrivateKey, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { namespacePattern } from '../lib/names.ts'
import { beginsEarlier, clientWish, namespacePrefix } from './client-certificate.ts'
import { readIfThere, writePrivately } from './files.ts'
import type { Pair, Wish } from './issue.ts'

/** What signs the gateway's and the namespaces' certificates. */
export interface Authority {
  readonly caPem: string
  /**
   * The gateway's own certificate for these DNS names and IP addresses. Taken from the state directory while it covers them
   * all, is signed by this authority and lasts more than 30 days; made anew otherwise, for a year.
   */
  server(hosts: string[]): Promise<Pair>
  /** A client certificate that identifies its bearer as the namespace until shortly after `expires`. Kept nowhere. */
  namespace(ns: string, expires: Date): Promise<Pair>
  /** The same, PEM, for the key of a certification request; undefined when that is none (`issueForRequest`). */
  namespaceForRequest(ns: string, expires: Date, csr: string): Promise<string | undefined>
}

const day = 24 * 3600 * 1000

/**
 * Loads the authority of a state directory (`ca.pem`, `ca-key.pem`, mode 0600), or creates one for ten years.
 * Throws when the files cannot be read or do not belong together, or when the certificate has ended.
 */
export async function loadAuthority(stateDir: string): Promise<Authority> {
  const pair = readAuthority(stateDir) ?? await createAuthority(stateDir)
  const issuer = lazyIssuer(pair)
  return {
    caPem: pair.cert,
    async server(hosts) {
      const kept = readPair(stateDir, 'server')
      if (kept && stillServes(kept, pair.cert, hosts)) return kept
      return writePair(stateDir, 'server', await (await issuer()).issue({
        name: 'CN=Moorage gateway',
        usage: 'server',
        names: hosts.map((host) => ({ type: isIP(host) ? 'ip' : 'dns', value: host })),
        notBefore: new Date(Date.now() - beginsEarlier),
        notAfter: new Date(Date.now() + 365 * day),
      }))
    },
    namespace: async (ns, expires) => (await issuer()).issue(clientWish(ns, expires)),
    namespaceForRequest: async (ns, expires, csr) => (await issuer()).issueForRequest(clientWish(ns, expires), csr),
  }
}

/**
 * The namespace a verified client certificate stands for, from `subjectaltname` as Node's `getPeerCertificate()` gives it.
 *
 * Node joins the names with ", " and quotes the ones that hold commas, quotes or backslashes (CVE-2021-44532). Our names
 * never need quoting, so a text with quotes is nobody's; without quotes no name can pretend to be two.
 */
export function namespaceOfCertificate(peer: { subjectaltname?: string }): string | undefined {
  const names = peer.subjectaltname
  if (typeof names !== 'string' || /["\\]/.test(names)) return undefined
  const uris = names.split(', ').filter((name) => name.startsWith('URI:'))
  const [uri] = uris
  if (uris.length !== 1 || !uri?.startsWith(`URI:${namespacePrefix}`)) return undefined
  const ns = uri.slice(`URI:${namespacePrefix}`.length)
  return namespacePattern.test(ns) ? ns : undefined
}

interface LoadedIssuer {
  issue(wish: Wish): Promise<Pair>
  issueForRequest(wish: Wish, csr: string): Promise<string | undefined>
}

/** The library that writes certificates is loaded when the first one is wanted: most starts of a gateway want none. */
function lazyIssuer(authority: Pair): () => Promise<LoadedIssuer> {
  let loaded: Promise<LoadedIssuer> | undefined
  const load = async () => {
    const { importIssuer, issue, issueForRequest } = await import('./issue.ts')
    const issuer = await importIssuer(authority)
    return { issue: (wish: Wish) => issue(issuer, wish), issueForRequest: (wish: Wish, csr: string) => issueForRequest(issuer, wish, csr) }
  }
  return () => loaded ??= load()
}

async function createAuthority(stateDir: string): Promise<Pair> {
  const { createIssuer } = await import('./issue.ts')
  // A name of its own for each authority: a client that trusts several gateways never tries the wrong one.
  const name = `CN=Moorage CA ${randomBytes(4).toString('hex')}`
  const [notBefore, notAfter] = [new Date(Date.now() - beginsEarlier), new Date(Date.now() + 3653 * day)]
  return writePair(stateDir, 'ca', await createIssuer({ name, notBefore, notAfter }))
}

/** Undefined when there is no `ca.pem`. A damaged authority is an error, because a new one would lock every client out. */
function readAuthority(stateDir: string): Pair | undefined {
  const cert = readIfThere(join(stateDir, 'ca.pem'))
  if (cert === undefined) return undefined
  const wrong = (why: string) => new Error(`The certificate authority in ${stateDir} cannot be used: ${why}; `
    + 'put the right ca.pem and ca-key.pem back, or remove both to get new ones (and open every namespace anew)')
  const key = readIfThere(join(stateDir, 'ca-key.pem'))
  if (key === undefined) throw wrong('ca-key.pem is missing')
  const certificate = read(() => new X509Certificate(cert))
  if (!certificate) throw wrong('ca.pem is not a certificate')
  if (!read(() => certificate.checkPrivateKey(createPrivateKey(key)))) throw wrong('ca-key.pem is not the key of ca.pem')
  if (createPrivateKey(key).asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw wrong('its key is not an ECDSA key on P-256')
  if (Date.parse(certificate.validTo) < Date.now()) throw wrong(`it ended on ${certificate.validTo}`)
  return { cert, key }
}

function stillServes({ cert, key }: Pair, caPem: string, hosts: string[]): boolean {
  const certificate = read(() => new X509Certificate(cert))
  if (!certificate || Date.parse(certificate.validTo) - Date.now() <= 30 * day) return false
  return certificate.verify(new X509Certificate(caPem).publicKey)
    && read(() => certificate.checkPrivateKey(createPrivateKey(key))) === true
    && hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined)
}

/** The value, or undefined when the text is none of the kind. */
function read<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

function readPair(stateDir: string, name: string): Pair | undefined {
  const cert = readIfThere(join(stateDir, `${name}.pem`))
  const key = readIfThere(join(stateDir, `${name}-key.pem`))
  return cert === undefined || key === undefined ? undefined : { cert, key }
}

function writePair(stateDir: string, name: string, pair: Pair): Pair {
  writePrivately(join(stateDir, `${name}-key.pem`), pair.key)
  writePrivately(join(stateDir, `${name}.pem`), pair.cert)
  return pair
}
