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
export async function issue(issuer: Issuer, { name, usage, names, notBefore, notAfter }: Wish): Promise<Pair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: issuer.certificate.subjectName,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usages[usage]]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey, false, crypto),
    ],
  }, crypto)
  return pair(certificate, keys)
}

/** Makes an issuer of its PEM texts. Throws when the key is not a P-256 key in PKCS #8. */
export async function importIssuer({ cert, key }: Pair): Promise<Issuer> {
  const [der] = x509.PemConverter.decode(key)
  if (!der) throw new Error('no PEM block')
  return {
    certificate: new x509.X509Certificate(cert),
    key: await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']),
  }
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function pair(certificate: x509.X509Certificate, keys: CryptoKeyPair): Promise<Pair> {
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: `${certificate.toString('pem')}\n`, key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n` }
}

/** 16 random bytes, positive and without a leading zero (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(Buffer.alloc(16))
  bytes[0] = (Number(bytes[0]) & 0x3f) | 0x40
  return bytes.toString('hex')
}
