/** The body of `POST /exec/{id}/start` (Engine API, ExecStart). */
import { anything, drop, flag, list, pass, type ReadBy, struct, uint } from '../schema.ts'

/** What dockerode (options of its own) and docker-java (the id) send in the body as well; the engine ignores it. */
const clientOptions = { hijack: drop(anything), stdin: drop(anything), execId: drop(anything) }

export const execStart = struct('container.ExecStartRequest', {
  Detach: pass(flag),
  Tty: pass(flag),
  ConsoleSize: pass(list(uint)),
  ...clientOptions,
})

export type ExecStart = ReadBy<typeof execStart>
