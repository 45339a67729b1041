import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { der, derInteger, derTime, tags } from '../lib/der.ts'

/** A certificate and its private key (PKCS #8), both PEM. */
export interface Pair {
  cert: string
  key: string
}

/** Who signs. Its name and key identifier are copied from the certificate, so that every verifier finds the chain. */
export interface Issuer {
  /** Its name, and the extension by which certificates say whose key signed them (DER). */
  name: Uint8Array
  keyIdentifier: Uint8Array
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
    serialNumber: Buffer.from(serialNumber()).toString('hex'),
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
  return { cert: pem('CERTIFICATE', raw(certificate)), key: await privatePem(keys) }
}

/** An end certificate with a new P-256 key (RFC 5280, 4.2.1). */
export async function issue(issuer: Issuer, wish: Wish): Promise<Pair> {
  const keys = await generateKeys()
  return { cert: await certify(issuer, wish, keys.publicKey), key: await privatePem(keys) }
}

const requestedKeys = ['ECDSA', 'RSASSA-PKCS1-v1_5', 'EdDSA', 'Ed25519']

/**
 * An end certificate, PEM, for the key of a certification request (PKCS #10, RFC 2986) in PEM. Undefined when the text is no request, its
 * signature is not by its key, or the key is of a kind that is not taken: ECDSA, Ed25519, or RSA of at least 2048 bits. The request's names and
 * extensions are not looked at: whoever signs decides what the bearer of the key is called.
 */
export async function issueForRequest(issuer: Issuer, wish: Wish, requestPem: string): Promise<string | undefined> {
  const key = await keyOfRequest(requestPem).catch(() => undefined)
  return key && certify(issuer, wish, key)
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

const raw = (part: { rawData: ArrayBuffer }) => new Uint8Array(part.rawData)

/** What all certificates of a usage have in common. */
const common = (usage: Wish['usage']) => [
  new x509.BasicConstraintsExtension(false, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([usages[usage]]),
].map(raw)
const commonTo = { server: common('server'), client: common('client') }

/** AlgorithmIdentifier of ECDSA with SHA-256 (RFC 5758, 3.2), the object identifiers' prefix and the version of certificates with extensions. */
const ecdsaWithSha256 = der(tags.sequence, der(tags.object, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)))
const subjectKeyIdentifier = der(tags.object, Uint8Array.of(0x55, 0x1d, 0x0e))
const versionThree = der(0xa0, derInteger(Uint8Array.of(2)))

/** Written without the library, which takes fifty times as long as the signature: a gateway that opens namespaces does little else. */
async function certify(issuer: Issuer, { name, usage, names, notBefore, notAfter }: Wish, publicKey: CryptoKey): Promise<string> {
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey))
  // Any number that tells keys apart (RFC 7093, section 2, method 4).
  const identifier = new Uint8Array(await crypto.subtle.digest('SHA-256', spki)).subarray(0, 20)
  const extensions = [...commonTo[usage], raw(new x509.SubjectAlternativeNameExtension(names)), issuer.keyIdentifier,
    der(tags.sequence, subjectKeyIdentifier, der(tags.octets, der(tags.octets, identifier)))]
  const toSign = der(tags.sequence, versionThree, derInteger(serialNumber()), ecdsaWithSha256, issuer.name, der(tags.sequence, derTime(notBefore), derTime(notAfter)),
    new Uint8Array(new x509.Name(name).toArrayBuffer()), spki, der(0xa3, der(tags.sequence, ...extensions)))
  // As two numbers, one behind the other (IEEE P1363); certificates have them as a sequence (RFC 3279, 2.2.3).
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, issuer.key, toSign))
  const [r, s] = [signature.subarray(0, signature.length / 2), signature.subarray(signature.length / 2)].map(derInteger) as [Uint8Array, Uint8Array]
  return pem('CERTIFICATE', der(tags.sequence, toSign, ecdsaWithSha256, der(tags.bits, new Uint8Array(1), der(tags.sequence, r, s))))
}

/** Makes an issuer of its PEM texts. Throws when the key is not a P-256 key in PKCS #8. */
export async function importIssuer({ cert, key }: Pair): Promise<Issuer> {
  const [keyDer] = x509.PemConverter.decode(key)
  if (!keyDer) throw new Error('no PEM block')
  const certificate = new x509.X509Certificate(cert)
  return {
    name: new Uint8Array(certificate.subjectName.toArrayBuffer()),
    keyIdentifier: raw(await x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey, false, crypto)),
    key: await crypto.subtle.importKey('pkcs8', keyDer, algorithm, false, ['sign']),
  }
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function privatePem(keys: CryptoKeyPair): Promise<string> {
  return pem('PRIVATE KEY', new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey)))
}

function pem(tag: string, bytes: Uint8Array<ArrayBuffer>): string {
  return `${x509.PemConverter.encode(bytes, tag)}\n`
}

/** 16 random bytes, positive and without a leading zero (RFC 5280, 4.1.2.2). */
function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes
}
