import { parseRequestJson } from '../../../lib/json.ts'
import { Refusal } from '../../../lib/refusal.ts'
import { parseBody, type Type } from '../../../lib/schema.ts'

/** Reads a body the way requests are read: through its JSON text. */
export function readBody<T>(schema: Type<T>, body: unknown): T {
  return parseBody(schema, parseRequestJson(new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))))
}

/** The refusal that `run` ends in; an Error when it does not. */
export function refusalOf(run: () => unknown): Refusal {
  try {
    run()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}
