import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { loadAuthority, namespaceOfCertificate } from '../../infra/certificates.ts'
import { createIssuer, importIssuer, issue, type Pair } from '../../infra/issue.ts'

const root = mkdtempSync(join(tmpdir(), 'moorage-certificates-'))
const directory = () => mkdtempSync(join(root, 'state-'))
const ns = 'abcdefghij012345'
const day = 24 * 3600 * 1000
const hour = () => new Date(Date.now() + 3600 * 1000)

/** What a server that asks for client certificates of this authority sees, and what its client does. */
async function handshake(server: Pair, ca: string, client: Pair | undefined, servername = 'localhost') {
  const listener = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: false })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const accepted = once(listener, 'secureConnection')
  const socket = connect({ port, host: '127.0.0.1', servername, ca, ...client })
  await once(socket, 'secureConnect')
  const [peer] = await accepted as [TLSSocket]
  const seen = { authorized: peer.authorized, namespace: namespaceOfCertificate(peer.getPeerCertificate()) }
  socket.destroy()
  listener.close()
  return seen
}

after(() => rmSync(root, { recursive: true }))

describe('the authority', () => {
  it('is made once, for ten years, with files only the owner can read, and loaded afterwards', async () => {
    const state = directory()
    const first = await loadAuthority(state)
    const again = await loadAuthority(state)
    assert.equal(again.caPem, first.caPem)
    for (const file of ['ca.pem', 'ca-key.pem']) assert.equal(statSync(join(state, file)).mode & 0o777, 0o600)
    const certificate = new X509Certificate(first.caPem)
    assert.ok(certificate.ca)
    const years = (Date.parse(certificate.validTo) - Date.now()) / (365.25 * day)
    assert.ok(years > 9.9 && years < 10.1)
    const later = await again.namespace(ns, hour())
    assert.ok(new X509Certificate(later.cert).verify(certificate.publicKey))
  })

  it('issues server certificates that a TLS client accepts by name and by address', async () => {
    const authority = await loadAuthority(directory())
    const { cert, key } = await authority.server(['localhost', '127.0.0.1', '::1', 'moorage.example'])
    const certificate = new X509Certificate(cert)
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)))
    assert.equal(certificate.checkIP('::1'), '::1')
    assert.equal(certificate.checkHost('elsewhere.example'), undefined)
    assert.deepEqual(await handshake({ cert, key }, authority.caPem, undefined), { authorized: false, namespace: undefined })
  })

  it('issues client certificates that name their namespace to the server', async () => {
    const authority = await loadAuthority(directory())
    const server = await authority.server(['localhost'])
    const client = await authority.namespace(ns, hour())
    assert.deepEqual(await handshake(server, authority.caPem, client), { authorized: true, namespace: ns })
  })

  it('does not take the client certificates of another authority', async () => {
    const [ours, theirs] = [await loadAuthority(directory()), await loadAuthority(directory())]
    const server = await ours.server(['localhost'])
    const client = await theirs.namespace(ns, hour())
    assert.equal((await handshake(server, ours.caPem, client)).authorized, false)
  })

  it('passes the strict checks of openssl, for its purpose only', async () => {
    const state = directory()
    const authority = await loadAuthority(state)
    await authority.server(['localhost', '127.0.0.1'])
    writeFileSync(join(state, 'client.pem'), (await authority.namespace(ns, hour())).cert)
    const verify = (purpose: string, file: string) => execFileSync('openssl',
      ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(state, 'ca.pem'), join(state, file)], { stdio: 'pipe' })
    verify('sslclient', 'client.pem')
    verify('sslserver', 'server.pem')
    assert.throws(() => verify('sslserver', 'client.pem'))
    assert.throws(() => verify('sslclient', 'server.pem'))
  })

  it('signs so that everybody can read it, whatever the numbers of a signature begin with', async () => {
    const authority = await loadAuthority(directory())
    const ca = new X509Certificate(authority.caPem)
    for (let count = 0; count < 100; count++) {
      const certificate = new X509Certificate((await authority.namespace(ns, hour())).cert)
      assert.ok(certificate.verify(ca.publicKey) && certificate.checkIssued(ca))
      assert.equal(certificate.subjectAltName, `URI:urn:moorage:namespace:${ns}`)
      assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/)
    }
  })

  it('lets client certificates live a little longer than the lease and begin a day earlier than now', async () => {
    const expires = hour()
    const { cert } = await (await loadAuthority(directory())).namespace(ns, expires)
    const certificate = new X509Certificate(cert)
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
    assert.ok(from <= Date.now() - 23 * 3_600_000 && from >= Date.now() - 25 * 3_600_000)
    assert.ok(to >= expires.getTime() && to <= expires.getTime() + 10 * 60_000)
  })

  it('issues certificates for namespace ids only', async () => {
    const authority = await loadAuthority(directory())
    for (const wrong of ['', 'short', 'ABCDEFGHIJ012345', `${ns}, URI:urn:moorage:namespace:${ns}`]) {
      await assert.rejects(authority.namespace(wrong, hour()), /not a namespace id/)
    }
  })

  it('says what to do when the files do not belong together, instead of locking every client out', async () => {
    const [one, two, three] = [directory(), directory(), directory()]
    for (const state of [one, two, three]) await loadAuthority(state)
    writeFileSync(join(one, 'ca-key.pem'), readFileSync(join(two, 'ca-key.pem')))
    await assert.rejects(loadAuthority(one), /not the key of ca\.pem.*put the right/)
    rmSync(join(two, 'ca-key.pem'))
    await assert.rejects(loadAuthority(two), /ca-key\.pem is missing/)
    writeFileSync(join(three, 'ca.pem'), 'scrambled')
    await assert.rejects(loadAuthority(three), /not a certificate/)
  })

  it('says that an authority with a key of another kind cannot be used', async () => {
    const state = directory()
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=operator', '-days', '9',
      '-keyout', join(state, 'ca-key.pem'), '-out', join(state, 'ca.pem')], { stdio: 'pipe' })
    await assert.rejects(loadAuthority(state), /not an ECDSA key on P-256/)
  })
})

describe('the server certificate', () => {
  it('is kept while it covers the hosts, and made anew for others', async () => {
    const state = directory()
    const first = await (await loadAuthority(state)).server(['localhost', '127.0.0.1', '::1', '*.ci.example'])
    const authority = await loadAuthority(state)
    assert.deepEqual(await authority.server(['127.0.0.1', '0:0:0:0:0:0:0:1', '*.ci.example']), first)
    const wider = await authority.server(['localhost', '10.0.0.1'])
    assert.notEqual(wider.cert, first.cert)
    assert.deepEqual(await authority.server(['10.0.0.1']), wider)
  })

  it('is made anew when it lasts 30 days or less, is of another authority, or is damaged', async () => {
    const state = directory()
    const authority = await loadAuthority(state)
    const issuer = await importIssuer({ cert: authority.caPem, key: readFileSync(join(state, 'ca-key.pem'), 'utf8') })
    const place = ({ cert, key }: Pair) => {
      writeFileSync(join(state, 'server.pem'), cert)
      writeFileSync(join(state, 'server-key.pem'), key)
    }
    const lasting = (days: number) => issue(issuer, { name: 'CN=x', usage: 'server', names: [{ type: 'dns', value: 'localhost' }],
      notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + days * day) })
    const kept = await lasting(31)
    place(kept)
    assert.deepEqual(await authority.server(['localhost']), kept)
    const good = await authority.server(['other'])
    for (const bad of [await lasting(29), { ...kept, key: good.key }, { ...kept, cert: 'x' },
      await (await loadAuthority(directory())).server(['localhost'])]) {
      place(bad)
      const made = await authority.server(['localhost'])
      assert.notEqual(made.cert, bad.cert)
      assert.ok(new X509Certificate(made.cert).checkPrivateKey(createPrivateKey(made.key)))
    }
  })
})

describe('the namespace of a certificate', () => {
  const uri = `URI:urn:moorage:namespace:${ns}`
  const cases: [string | undefined, string | undefined][] = [
    [uri, ns],
    [`DNS:ci.example, ${uri}, IP Address:10.0.0.1`, ns],
    [undefined, undefined],
    ['', undefined],
    ['DNS:ci.example', undefined],
    [`${uri}, ${uri}`, undefined],
    [`${uri}, URI:https://other.example`, undefined],
    [`${uri}x`, undefined],
    [`${uri}\n`, undefined],
    [`${uri} `, undefined],
    [` ${uri}`, undefined],
    [uri.toUpperCase(), undefined],
    [`URI:urn:moorage:namespace:1bcdefghij012345`, undefined],
    [`URI:urn:moorage:namespace:`, undefined],
    [`DNS:${uri}`, undefined],
    [`DNS:"x, ${uri}"`, undefined],
    [`DNS:"x", ${uri}`, undefined],
    [`URI:"urn:moorage:namespace:${ns}"`, undefined],
    [`DNS:x,${uri}`, undefined],
  ]
  for (const [subjectaltname, expected] of cases) {
    it(`is ${expected ?? 'nothing'} for ${JSON.stringify(subjectaltname)}`, () => {
      assert.equal(namespaceOfCertificate({ subjectaltname }), expected)
    })
  }

  it('is nothing for a real certificate whose DNS or URI name pretends to be two', async () => {
    const { cert: ca, key: caKey } = await createIssuer({ name: 'CN=a', notBefore: new Date(), notAfter: hour() })
    const issuer = await importIssuer({ cert: ca, key: caKey })
    const [notBefore, notAfter] = [new Date(Date.now() - day), hour()]
    const server = await issue(issuer, { name: 'CN=s', usage: 'server', names: [{ type: 'dns', value: 'localhost' }], notBefore, notAfter })
    for (const [type, value] of [['dns', `x, ${uri}`], ['url', `x, ${uri}`], ['dns', `x", ${uri}, "`], ['dns', uri]] as const) {
      const client = await issue(issuer, { name: 'CN=c', usage: 'client', names: [{ type, value }], notBefore, notAfter })
      const { namespace } = await handshake(server, ca, client)
      assert.equal(namespace, undefined, `${type} ${value}`)
    }
  })
})
