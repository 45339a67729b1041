/** The body of `POST /exec/{id}/start` (Engine API, ExecStart). */
import { parseRequestJson } from '../json.ts'
import { anything, drop, flag, list, parseBody, pass, type ReadBy, struct, uint } from '../schema.ts'

/** What dockerode (options of its own) and docker-java (the id) send in the body as well; the engine ignores it. */
const clientOptions = { hijack: drop(anything), stdin: drop(anything), execId: drop(anything) }

export const execStart = struct('container.ExecStartOptions', {
  Detach: pass(flag),
  Tty: pass(flag),
  ConsoleSize: pass(list(uint)),
  ...clientOptions,
})

export type ExecStart = ReadBy<typeof execStart>

/** The body from its bytes. Throws `Refusal` as `parseRequestJson` and `parseBody` do. */
export function parseExecStart(bytes: Uint8Array): ExecStart {
  return parseBody(execStart, parseRequestJson(bytes))
}
