import { parseRequestJson } from './json.ts'
import type { Policy } from './policy.ts'
import { parseBody } from './schema.ts'
import type { Type } from './schema-types.ts'

/** How a row reads its JSON body: strictly, and rebuilt by the schema that the namespace's policy gives. */
export function jsonBody<T>(schema: (policy: Policy) => Type<T>): (bytes: Uint8Array, policy: Policy) => T {
  return (bytes, policy) => parseBody(schema(policy), parseRequestJson(bytes)) as T
}
