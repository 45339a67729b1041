import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../setup/paths.ts'
import { published } from './published-schemas.ts'

/** `node test/data/publish-schemas.ts`: writes the JSON Schemas and the reference in docs/ anew from the code. */
for (const [file, text] of Object.entries(await published())) {
  mkdirSync(dirname(join(root, 'docs', file)), { recursive: true })
  writeFileSync(join(root, 'docs', file), text)
}
