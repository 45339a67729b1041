import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Type } from '../../lib/schema.ts'
import { engineRefuses, forced, needed, policy, refused, schemas } from '../lib/schemas/refused-bodies.ts'
import { ask } from '../setup/plain-http.ts'
import { openArena, type Arena } from './arena.ts'

let arena: Arena
/** Another job, with the limits that the refused values go beyond. */
let job: string
let paths: Record<keyof typeof schemas, string>

before(async () => {
  const { memory, ports } = policy.limits
  arena = await openArena({ config: { policies: { default: {}, narrow: { limits: { memory, cpus: 1, ports } } } } })
  job = join(arena.gateway.stateDir, 'job.sock')
  await arena.gateway.open('--policy', 'narrow', '--unix', job)
  const { json: { Id: container } } = await ask(job, { method: 'POST', target: '/containers/create?name=box', body: { Image: 'busybox' } })
  await ask(job, { method: 'POST', target: '/networks/create', body: { Name: 'net' } })
  paths = {
    create: '/containers/create?name=refused', update: `/containers/${container}/update`, exec: `/containers/${container}/exec`,
    connect: '/networks/net/connect', network: '/networks/create', volume: '/volumes/create',
  }
})
after(() => arena?.stop())

/** Asks for something that is refused, and answers with the refusal. The engine must not have seen anything of it. */
async function refusal(kind: keyof typeof schemas, body: unknown) {
  const { result, requests } = await arena.recorded(() => ask(job, { method: 'POST', target: paths[kind], body }))
  assert.deepEqual(requests.map(({ method, path }) => `${method} ${path}`), [], `the engine was asked because of ${JSON.stringify(body)}`)
  return result
}

for (const [name, schema] of Object.entries(schemas) as [keyof typeof schemas, Type<unknown>][]) {
  test(`nothing of a ${name} that sets a field of the host's reaches the engine, and the job is told field, reason and remedy`, async () => {
    for (const { path, body } of forced(schema, (value) => value, '')) {
      if (engineRefuses.includes(path)) continue
      const { status, json } = await refusal(name, { ...needed[name], ...(body as object) })
      assert.equal(status, 403, `${path}: ${JSON.stringify(json)}`)
      assert.match(json.message, new RegExp(`^${path.replaceAll('.', '\\.')} is not allowed in this namespace: .+; .+`))
    }
  })
}

test('nothing of a value that a list or a limit refuses reaches the engine', async () => {
  for (const [name, body, field, words] of refused) {
    // Needs a configuration that keeps subnets for hosts, which this gateway does not have.
    if (/operator/.test(words.source)) continue
    const { status, json } = await refusal(name, typeof body === 'string' ? body : { ...needed[name], ...body })
    assert.equal(status, 403, `${field} ${JSON.stringify(body)}: ${JSON.stringify(json)}`)
    assert.match(json.message, words)
  }
})

test('a gateway that has refused all that still serves, and nothing was made', async () => {
  const list = await ask(job, { target: '/containers/json?all=1' })
  assert.deepEqual(list.json.map((one: { Names: string[] }) => one.Names), [['/box']])
  assert.deepEqual((await ask(job, { target: '/volumes' })).json.Volumes, [])
})
