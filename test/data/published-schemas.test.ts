import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../setup/paths.ts'
import { published } from './published-schemas.ts'

for (const [file, text] of Object.entries(published())) {
  test(`docs/${file} is what the code checks (node test/data/publish-schemas.ts writes it anew)`, () => {
    assert.equal(readFileSync(join(root, 'docs', file), 'utf8'), text)
  })
}
