import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** A certificate and its private key (PKCS #8), both PEM. */
export interface Pair {
  cert: string
  key: string
}

/** Who signs. Its name and key identifier are copied from the certificate, so that every verifier finds the chain. */
export interface Issuer {
  certificate: x509.X509Certificate
  /** By which certificates say whose key signed them. */
  keyIdentifier: x509.Extension
  key: CryptoKey
}

export interface Wish {
  /** Distinguished name, `CN=...`. */
  name: string
  usage: 'server' | 'client'
  names: { type: 'dns' | 'ip' | 'url', value: string }[]
  notBefore: Date
  notAfter: Date
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const usages = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth }

/** A certificate authority that signs end certificates only (RFC 5280, 4.2.1.9), with a new P-256 key. */
export async function createIssuer({ name, notBefore, notAfter }: Pick<Wish, 'name' | 'notBefore' | 'notAfter'>): Promise<Pair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
    ],
  }, crypto)
  return pair(certificate, keys)
}

/** An end certificate with a new P-256 key (RFC 5280, 4.2.1). */
export async function issue(issuer: Issuer, wish: Wish): Promise<Pair> {
  const keys = await generateKeys()
  return pair(await certify(issuer, wish, keys.publicKey), keys)
}

const requestedKeys = ['ECDSA', 'RSASSA-PKCS1-v1_5', 'EdDSA', 'Ed25519']

/**
 * An end certificate, PEM, for the key of a certification request (PKCS #10, RFC 2986) in PEM. Undefined when the text is no request, its
 * signature is not by its key, or the key is of a kind that is not taken: ECDSA, Ed25519, or RSA of at least 2048 bits. The request's names and
 * extensions are not looked at: whoever signs decides what the bearer of the key is called.
 */
export async function issueForRequest(issuer: Issuer, wish: Wish, requestPem: string): Promise<string | undefined> {
  const key = await keyOfRequest(requestPem).catch(() => undefined)
  return key && `${(await certify(issuer, wish, key)).toString('pem')}\n`
}

async function keyOfRequest(pem: string): Promise<CryptoKey | undefined> {
  const request = new x509.Pkcs10CertificateRequest(pem)
  if (!await request.verify(crypto)) return undefined
  const key = await request.publicKey.export(crypto)
  const { name, modulusLength } = key.algorithm as { name: string; modulusLength?: number }
  return requestedKeys.includes(name) && (modulusLength ?? 2048) >= 2048 && (modulusLength ?? 0) <= 8192 ? key : undefined
}

/** A certification request for a new key of the client's own; the private key never travels. */
export async function requestCertificate(): Promise<{ csr: string, key: string }> {
  const keys = await generateKeys()
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=moorage', keys, signingAlgorithm: algorithm }, crypto)
  return { csr: `${request.toString('pem')}\n`, key: await privatePem(keys) }
}

/** What all certificates of a usage have in common, made once. */
const common = { server: commonTo('server'), client: commonTo('client') }

function commonTo(usage: Wish['usage']): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usages[usage]]),
  ]
}

async function certify(issuer: Issuer, { name, usage, names, notBefore, notAfter }: Wish, publicKey: CryptoKey): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: issuer.certificate.subjectName,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    publicKey,
    signingKey: issuer.key,
    extensions: [
      ...common[usage],
      new x509.SubjectAlternativeNameExtension(names),
      await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
      issuer.keyIdentifier,
    ],
  }, crypto)
}

/** Makes an issuer of its PEM texts. Throws when the key is not a P-256 key in PKCS #8. */
export async function importIssuer({ cert, key }: Pair): Promise<Issuer> {
  const [der] = x509.PemConverter.decode(key)
  if (!der) throw new Error('no PEM block')
  const certificate = new x509.X509Certificate(cert)
  return {
    certificate,
    keyIdentifier: await x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey, false, crypto),
    key: await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']),
  }
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function pair(certificate: x509.X509Certificate, keys: CryptoKeyPair): Promise<Pair> {
  return { cert: `${certificate.toString('pem')}\n`, key: await privatePem(keys) }
}

async function privatePem(keys: CryptoKeyPair): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n`
}

/** 16 random bytes, positive and without a leading zero (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(Buffer.alloc(16))
  bytes[0] = (Number(bytes[0]) & 0x3f) | 0x40
  return bytes.toString('hex')
}
