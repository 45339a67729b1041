import { toJsonSchema } from '@valibot/to-json-schema'
import { auditSchema } from '../../lib/audit.ts'
import { requestBodies } from './reference/bodies.ts'
import { cli } from './reference/cli.ts'
import { configuration, policy } from './reference/configuration.ts'
import { endpoints } from './reference/endpoints.ts'
import { audit, metrics } from './reference/observing.ts'

/** What docs/ publishes of the code, by file name: JSON Schemas (draft 2020-12; what a schema checks by code is not in them) and the reference. */
export async function published(): Promise<Record<string, string>> {
  const options = { errorMode: 'ignore', target: 'draft-2020-12' } as const
  return {
    'audit.schema.json': text(toJsonSchema(auditSchema, options)),
    'reference/configuration.md': configuration(),
    'reference/policy.md': policy(),
    'reference/endpoints.md': endpoints(),
    'reference/bodies.md': requestBodies(),
    'reference/cli.md': await cli(),
    'reference/metrics.md': await metrics(),
    'reference/audit.md': audit(),
  }
}

function text(schema: object): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`
}
