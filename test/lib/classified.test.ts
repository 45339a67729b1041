import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Type } from '../../lib/schema.ts'
import { buildQuery } from '../../lib/schemas/build-query.ts'
import { bodies as schemas } from '../data/bodies.ts'
import type { EngineApi } from '../data/refresh.ts'

const engine: EngineApi = JSON.parse(readFileSync(new URL('../data/engine-api-fields.json', import.meta.url), 'utf8'))

/** The verdict on a field, or undefined when no schema has it. A field inside one that is never sent has that one's verdict. */
function verdictOn(schema: Type<unknown>, path: string): string | undefined {
  let [type, verdict] = [schema as Type<unknown> | undefined, undefined as string | undefined]
  for (const name of path.replaceAll(/\[\]|\{\}/g, '').split('.')) {
    while (type?.entries === undefined && type?.item !== undefined) type = type.item
    const field = type?.entries?.[name]
    if (field === undefined) return undefined
    ;({ type, verdict } = field)
    if (verdict === 'force' || verdict === 'drop') return verdict
  }
  return verdict
}

for (const [body, fields] of Object.entries(engine.bodies)) {
  test(`every field the engine's ${body} has is classified`, () => {
    const schema = schemas[body]
    assert.ok(schema, 'no schema for this body')
    assert.ok(fields.length > 0, 'the engine\'s definition has no fields')
    assert.deepEqual(fields.map(({ path }) => path).filter((path) => verdictOn(schema, path) === undefined), [])
  })
}

test('every query parameter of the engine\'s build is classified', () => {
  assert.deepEqual(engine.buildQuery.map(({ path }) => path).filter((path) => !Object.hasOwn(buildQuery, path)), [])
})

test('a field that no schema has is found, also inside structs, lists and maps', () => {
  const create = schemas['container-create']!
  for (const path of ['Surprise', 'HostConfig.Surprise', 'HostConfig.Mounts[].Surprise', 'NetworkingConfig.EndpointsConfig{}.Surprise']) {
    assert.equal(verdictOn(create, path), undefined, path)
  }
  assert.equal(verdictOn(create, 'HostConfig.Mounts[].BindOptions.Propagation'), 'drop')
  assert.equal(verdictOn(create, 'HostConfig.Mounts[].VolumeOptions.Labels'), 'rewrite')
})
