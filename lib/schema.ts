/**
 * The vocabulary of request bodies. Every client body is parsed and rebuilt from a schema made of these words; nothing else of it is sent on.
 */
import { Refusal } from './refusal.ts'
import type { Type } from './schema-types.ts'

export * from './schema-struct.ts'
export * from './schema-types.ts'

/** Bytes that all strings of one body may have together. */
const maxTextBytes = 1024 * 1024

/** The value a schema reads. */
export type ReadBy<S extends Type<any>> = S extends Type<infer T> ? T : never

/**
 * Reads a body (or a part of it at `path`) that `parseRequestJson` has parsed; null is an empty body. Fields the client left unset are absent.
 * Throws `Refusal`: 400 for wrong types, fields unknown or given twice and texts of more than 1 MiB together, 403 for what a namespace may not do.
 */
export function parseBody<T>(schema: Type<T>, json: unknown, path = ''): T {
  const read = schema.read(json ?? {}, path)
  if (textBytes(read) > maxTextBytes) {
    throw new Refusal(400, `the texts of the body are longer than ${maxTextBytes} bytes together; put long ones into a file and copy it`)
  }
  return read
}

const encoder = new TextEncoder()

function textBytes(value: unknown): number {
  if (typeof value === 'string') return encoder.encode(value).length
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + textBytes(item), 0)
}
