import { create } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { readAnswer, write } from './messages.ts'
import { StatusSchema } from './proto/status_pb.ts'
import { buildText, type Scope } from './scope.ts'

/** Kinds of detail that clients show to people: where in the Dockerfile, and which step. Others tell of the engine's insides. */
const shown = /\/errdefs\.(Source|Vertex|FrontendCap|Subrequest|UnknownJob|FileAction|ContentCache)\+json$/

/** Details beside an error (google.rpc.Status) in the job's words: JSON in BuildKit's hands (moby/buildkit, util/grpcerrors). */
export function shownDetails(bytes: Uint8Array, scope: Scope): Uint8Array | undefined {
  try {
    const status = readAnswer(StatusSchema, bytes)
    status.message = buildText(scope, status.message)
    status.details = status.details.filter(({ typeUrl }) => shown.test(typeUrl)).map(({ typeUrl, value }) =>
      create(AnySchema, { typeUrl, value: new TextEncoder().encode(shownJson(new TextDecoder().decode(value), scope)) }))
    return write(StatusSchema, status)
  } catch {
    return undefined
  }
}

/** The definition beside a source is LLB that made the Dockerfile: of no use to clients, and not in the job's words. */
function shownJson(text: string, scope: Scope): string {
  const value = JSON.parse(text)
  if (value?.info?.definition !== undefined) delete value.info.definition
  return buildText(scope, JSON.stringify(value))
}
