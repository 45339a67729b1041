import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup/paths.ts'
import { published } from './published-schemas.ts'

/** `node test/data/publish-schemas.ts`: writes the JSON Schemas in docs/ anew from the code's own. */
for (const [file, text] of Object.entries(published())) writeFileSync(join(root, 'docs', file), text)
