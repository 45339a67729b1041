import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'

/** A CI system's token service, with real keys. */
export interface TestIssuer {
  /** `http://127.0.0.1:PORT` */
  url: string
  /** A token with these claims; `iss`, `iat`, `exp` and `jti` are there unless given as undefined. */
  token(claims: JWTPayload, options?: { algorithm?: string; key?: 'own' | 'other' }): Promise<string>
  /** How often its keys were asked for. */
  asked(): number
  /** Answers 500 from now on, or again as before. */
  fail(failing: boolean): void
  stop(): void
}

export async function startIssuer(): Promise<TestIssuer> {
  const [own, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  const keys = { keys: [{ ...await exportJWK(own.publicKey), kid: 'one', alg: 'ES256', use: 'sig' }] }
  let [asked, failing, count] = [0, false, 0]
  const server = createServer((request, response) => {
    if (request.url === '/keys') asked++
    const body = request.url === '/keys' ? keys : { issuer: url, jwks_uri: `${url}/keys` }
    response.writeHead(failing ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async token(claims, { algorithm = 'ES256', key = 'own' } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const payload = { iss: url, iat: now, exp: now + 600, jti: `${++count}`, ...claims }
      // The public key as a shared secret: the classic confusion of algorithms (RFC 8725, section 3.1).
      const secret = algorithm.startsWith('HS') ? new TextEncoder().encode(JSON.stringify(keys.keys[0])) : (key === 'own' ? own : other).privateKey
      return new SignJWT(JSON.parse(JSON.stringify(payload))).setProtectedHeader({ alg: algorithm, kid: 'one' }).sign(secret)
    },
    asked: () => asked,
    fail: (given) => { failing = given },
    stop: () => { server.close(); server.closeAllConnections() },
  }
}
