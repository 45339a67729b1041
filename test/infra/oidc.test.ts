import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as v from 'valibot'
import { configSchema, type Issuer } from '../../infra/config-schema.ts'
import { oidc, type Oidc } from '../../infra/openers/oidc.ts'
import { Refusal } from '../../lib/refusal.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

describe('an OIDC token', () => {
  let issuer: TestIssuer
  let tokens: Oidc
  const spent = new Set<string>()
  const good = { sub: 'project:app', aud: 'https://gateway', project: 'group/app' }
  const now = () => Math.floor(Date.now() / 1000)

  const refusal = async (work: Promise<unknown>, status: number, message: RegExp) => {
    await assert.rejects(work, (error) => error instanceof Refusal && error.status === status && message.test(error.message))
  }

  before(async () => { issuer = await startIssuer() })
  after(() => issuer.stop())
  beforeEach(() => {
    issuer.fail(false)
    spent.clear()
    const entry = { issuer: issuer.url, audience: ['https://gateway'], rules: [{ when: { project: 'group/*' }, policy: 'ci', domain: '{project}' }] }
    const { oidc: issuers } = v.parse(configSchema, { oidc: [entry] })
    tokens = oidc({ issuers: issuers as Issuer[], store: { spend: async (what) => !spent.has(what) && Boolean(spent.add(what)), unspend: async (what) => void spent.delete(what) } })
  })

  test('of a rule that matches opens what the rule grants', async () => {
    const found = await tokens.opener(await issuer.token(good))
    assert.deepEqual(found?.opener, { name: `${issuer.url}#project:app`, operator: false, grant: { policies: ['ci'], domain: 'group/app', label: 'project:app', lifetime: undefined } })
  })

  test('opens once', async () => {
    const token = await issuer.token(good)
    await (await tokens.opener(token))!.use()
    await refusal((await tokens.opener(token))!.use(), 401, /has opened a namespace already/)
  })

  test('that was given back opens again', async () => {
    const token = await issuer.token(good)
    const giveBack = await (await tokens.opener(token))!.use()
    await giveBack()
    await (await tokens.opener(token))!.use()
    await refusal((await tokens.opener(token))!.use(), 401, /has opened a namespace already/)
  })

  test('without an id of its own opens once, too', async () => {
    const token = await issuer.token({ ...good, jti: undefined })
    await (await tokens.opener(token))!.use()
    await refusal((await tokens.opener(token))!.use(), 401, /has opened a namespace already/)
  })

  test('that no rule matches is told so', async () => {
    await refusal(tokens.opener(await issuer.token({ ...good, project: 'elsewhere/app' })), 403, /no rule of this gateway matches the token of .* for project:app/)
  })

  for (const [what, claims, options] of [
    ['for another audience', { ...good, aud: 'https://other' }, {}],
    ['without an audience', { ...good, aud: undefined }, {}],
    ['that has ended', { ...good, exp: now() - 120 }, {}],
    ['without an end', { ...good, exp: undefined }, {}],
    ['that begins later', { ...good, nbf: now() + 600 }, {}],
    ['of two hours ago', { ...good, iat: now() - 7200 }, {}],
    ['without a subject', { ...good, sub: undefined }, {}],
    ['whose subject is no text', { ...good, sub: ['project:app'] as unknown as string }, {}],
    ['whose subject is half a character', { ...good, sub: 'project:\ud800' }, {}],
    ['signed by another key', good, { key: 'other' as const }],
    ['signed with the public key as a secret', good, { algorithm: 'HS256' }],
  ] as const) {
    test(`${what} is not valid`, async () => refusal(tokens.opener(await issuer.token(claims, options)), 401, /is not valid/))
  }

  test('without a signature is not valid', async () => {
    const [, payload] = (await issuer.token(good)).split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    await refusal(tokens.opener(none), 401, /is not valid/)
  })

  for (const [what, text] of Object.entries({ 'no token': 'abc', 'an empty text': '', 'three parts of nothing': '..', 'a token of no issuer': `e30.${Buffer.from('{}').toString('base64url')}.x` })) {
    test(`is not found in ${what}`, async () => assert.equal(await tokens.opener(text), undefined))
  }

  test('of another issuer is not looked at', async () => {
    assert.equal(await tokens.opener(await issuer.token({ ...good, iss: 'https://evil.example' })), undefined)
  })

  test('waits for an issuer that is away: 503, and again when it is back', async () => {
    issuer.fail(true)
    await refusal(tokens.opener(await issuer.token(good)), 503, /keys of .* cannot be had/)
    issuer.fail(false)
    assert.ok(await tokens.opener(await issuer.token(good)))
  })

  test('is checked with keys that are asked for once', async () => {
    const before = issuer.asked()
    for (let count = 0; count < 5; count++) await tokens.opener(await issuer.token(good))
    assert.equal(issuer.asked(), before + 1)
  })
})
