import { toJsonSchema } from '@valibot/to-json-schema'
import { auditSchema } from '../../lib/audit.ts'

/** The JSON Schemas (draft 2020-12) that docs/ publishes, by file name. What a schema checks by code is not in them. */
export function published(): Record<string, string> {
  const options = { errorMode: 'ignore', target: 'draft-2020-12' } as const
  return {
    'audit.schema.json': text(toJsonSchema(auditSchema, options)),
  }
}

function text(schema: object): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`
}
