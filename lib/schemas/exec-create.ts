/** The body of `POST /containers/{id}/exec` (Engine API, ContainerExec). */
import { parseRequestJson } from '../json.ts'
import { Refusal } from '../refusal.ts'
import { anything, drop, flag, force, list, parseBody, pass, type ReadBy, struct, text, textList, uint } from '../schema.ts'

/** The container's name, which docker-py and docker-java send in the body as well as in the path; the engine ignores it. */
const clientOptions = { Container: drop(anything), containerId: drop(anything) }

export const execCreate = struct('container.ExecOptions', {
  User: pass(text),
  Privileged: force(flag, { why: 'a privileged process owns the engine\'s host', instead: 'run without --privileged' }),
  Tty: pass(flag),
  ConsoleSize: pass(list(uint)),
  AttachStdin: pass(flag),
  AttachStderr: pass(flag),
  AttachStdout: pass(flag),
  DetachKeys: pass(text),
  Env: pass(textList),
  WorkingDir: pass(text),
  Cmd: pass(textList),
  // Means nothing here: it is exec start that detaches.
  Detach: drop(flag),
  ...clientOptions,
}, {
  after({ Cmd: command = [] }) {
    if (command.length === 0) throw new Refusal(400, 'No exec command specified', 'Cmd')
  },
})

export type ExecCreate = ReadBy<typeof execCreate>

/** The body from its bytes. Throws `Refusal` as `parseRequestJson` and `parseBody` do. */
export function parseExecCreate(bytes: Uint8Array): ExecCreate {
  return parseBody(execCreate, parseRequestJson(bytes))
}
