import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Type } from '../../../lib/schema.ts'
import { containerCreateSchema } from '../../../lib/schemas/container-create.ts'
import { engineRefuses, forced, needed, policy, refused, schemas } from './refused-bodies.ts'
import { readBody, refusalOf } from './refusal-of.ts'

for (const [name, schema] of Object.entries(schemas)) {
  const body = (extra: unknown) => ({ ...needed[name as keyof typeof schemas], ...(extra as object) })
  for (const { path, body: extra } of forced(schema, (value) => value, '')) {
    if (engineRefuses.includes(path)) continue
    test(`${name}: a job that sets ${path} gets a 403 that names it, the reason and the remedy`, () => {
      const refusal = refusalOf(() => readBody(schema as Type<unknown>, body(extra)))
      assert.equal(refusal.status, 403, refusal.message)
      assert.equal(refusal.field, path)
      assert.match(refusal.message, new RegExp(`^${path} is not allowed in this namespace: .+; .+`))
    })
  }
}

for (const [name, body, field, words] of refused) {
  test(`${name}: ${JSON.stringify(body).slice(0, 110)} gets a 403 for ${field}`, () => {
    const refusal = refusalOf(() => readBody(schemas[name] as Type<unknown>, typeof body === 'string' ? body : { ...needed[name], ...body }))
    assert.equal(refusal.status, 403, refusal.message)
    assert.equal(refusal.field, field)
    assert.match(refusal.message, words)
    if (!refusal.message.startsWith('operation')) assert.match(refusal.message, new RegExp(`^${field}(:| is not allowed in this namespace:) .+; .+`))
  })
}

test('what a policy grants is allowed, and naming the engine\'s own runtime says nothing', () => {
  const generous = containerCreateSchema({ ...policy, capabilities: ['NET_ADMIN'] }, { runtime: 'runc' })
  const body = { Image: 'i', HostConfig: { CapAdd: ['cap_net_admin', 'CHOWN'], Runtime: 'runc', SecurityOpt: ['no-new-privileges:true'] } }
  assert.deepEqual(readBody(generous, body), { ...body, HostConfig: { ...body.HostConfig, Runtime: '' } })
})
