import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rows } from '../../functions/index.ts'
import { configSchema } from '../../infra/config-schema.ts'
import { policySchema } from '../../lib/policy.ts'
import { root } from '../setup/paths.ts'
import { bodies } from './bodies.ts'
import { published } from './published-schemas.ts'
import { bodyOf } from './reference/endpoints.ts'
import { settingsOf } from './reference/settings.ts'

const files = await published()

for (const [file, text] of Object.entries(files)) {
  test(`docs/${file} is what the code says (node test/data/publish-schemas.ts writes it anew)`, () => {
    assert.equal(readFileSync(join(root, 'docs', file), 'utf8'), text)
  })
}

test('docs/reference/ holds nothing that is not made of the code', () => {
  assert.deepEqual(readdirSync(join(root, 'docs/reference')).filter((name) => !Object.hasOwn(files, `reference/${name}`)), [])
})

test('every setting of the config file and of policies says what it is for', () => {
  const all = [...settingsOf(configSchema), ...settingsOf(policySchema)]
  assert.ok(all.length > 70)
  assert.deepEqual(all.filter(({ ways, about }) => !ways.comment && about === '').map(({ path }) => path), [])
})

test('the reference has a row for every endpoint, and for every body the endpoint that takes it', () => {
  const page = files['reference/endpoints.md']!
  for (const { name, route } of rows) {
    const shown = `\`${route.replaceAll(/\{[^}]*\}/g, '')}\``
    assert.ok(page.split('\n').some((line) => line.startsWith(`| ${name} | `) && line.includes(shown)), `${name} ${route}`)
  }
  assert.deepEqual([...new Set(rows.map(bodyOf).filter((body) => body !== undefined))].toSorted(), Object.keys(bodies).toSorted())
})
