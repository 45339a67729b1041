import { write } from '../buildkit/messages.ts'
import { StatusResponseSchema, type SolveResponse, type StatusResponse } from '../buildkit/proto/control_pb.ts'
import { codes, GrpcError } from '../grpc.ts'
import { familiar } from '../reference.ts'
import { Refusal } from '../refusal.ts'
import type { Build } from './order.ts'
import { classicSteps, type BuildLine } from './steps.ts'

/** What a build tells while it runs, and its end. */
export interface Told {
  progress: AsyncIterable<StatusResponse>
  done: Promise<SolveResponse>
}

/**
 * The lines of a build's answer in the words of the API version asked for: those of the classic builder, or BuildKit's own progress
 * (moby, builder/builder-next). What fails before the first line is thrown as a Refusal where the classic builder answers with a status;
 * `onFailure` hears of what is told in the lines instead.
 */
export async function* buildLines(build: Pick<Build, 'version' | 'quiet' | 'references'>, { progress, done }: Told, onFailure: (error: unknown) => void): AsyncGenerator<BuildLine> {
  const steps = classicSteps()
  const held: BuildLine[] = []
  let begun = false
  for await (const status of progress) {
    const lines = build.version === 2 ? [{ id: 'moby.buildkit.trace', aux: base64(write(StatusResponseSchema, status)) }] : steps.lines(status)
    if (build.quiet) {
      if (build.version === 1) held.splice(0, Math.max(0, held.push(...lines) - linesHeld))
      continue
    }
    begun ||= lines.length > 0
    yield* lines
  }
  try {
    const id = (await done).ExporterResponse['containerimage.digest'] ?? ''
    if (build.version === 1 && !build.quiet) yield* [...steps.rest(), ...end(build, id)]
    if (build.version === 2) yield { id: 'moby.image.id', aux: { ID: id } }
    if (build.quiet) yield { stream: `${id}\n` }
  } catch (error) {
    const refusal = build.version === 1 && !begun ? beforeSteps(error) : undefined
    if (refusal) throw refusal
    onFailure(error)
    yield* [...held, ...build.version === 1 ? steps.rest() : [], failure(error, build.version)]
  }
}

/** The last lines of a quiet build, which are told when it fails. */
const linesHeld = 1000

function end({ references }: Pick<Build, 'references'>, id: string): BuildLine[] {
  const names = [...new Set(references.map(familiar))]
  return [{ aux: { ID: id } }, { stream: `Successfully built ${id.replace(/^sha256:/, '').slice(0, 12)}\n` }, ...names.map((name) => ({ stream: `Successfully tagged ${name}\n` }))]
}

/** What the classic builder finds out before it begins: the Dockerfile is no good, or not there. */
function beforeSteps(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error
  if (!(error instanceof GrpcError)) return undefined
  if (error.cause instanceof Refusal && error.cause.status === 403) return error.cause
  const status = { [codes.permissionDenied]: 403, [codes.unavailable]: 503, [codes.failedPrecondition]: 501, [codes.resourceExhausted]: 413 }[error.code]
  if (status) return new Refusal(status, error.message)
  const missing = /failed to read dockerfile: open ([^:]+): no such file or directory/.exec(error.message)?.[1]
  if (missing !== undefined) return new Refusal(500, `Cannot locate specified Dockerfile: ${missing}`)
  return /^(dockerfile parse error|target stage|the Dockerfile cannot be empty|file with no instructions|.*cannot parse platform specifier)/i.test(error.message)
    ? new Refusal(400, error.message) : undefined
}

/** The last line of a build that failed. */
function failure(error: unknown, version: 1 | 2): BuildLine {
  if (!(error instanceof GrpcError || error instanceof Refusal)) throw error
  const said = error instanceof GrpcError && error.code === codes.cancelled ? 'context canceled' : error.message.replace(/^failed to solve: /, '')
  const { message, code } = version === 2 ? { message: said, code: undefined } : classicFailure(said)
  return { errorDetail: { ...(code !== undefined && { code }), message }, error: message }
}

/** What goes wrong in steps, in the classic builder's words. */
function classicFailure(said: string): { message: string; code?: number } {
  const step = /process "(.*)" did not complete successfully: exit code: (\d+)/s.exec(said)
  if (step !== null) return { message: `The command '${step[1]}' returned a non-zero code: ${step[2]}`, code: Number(step[2]) }
  const missing = /failed to calculate checksum of ref \S+: "\/?(.*)": not found/s.exec(said)?.[1]
  if (missing !== undefined) return { message: `COPY failed: file not found in build context or excluded by .dockerignore: stat ${missing}: file does not exist` }
  return { message: said }
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}
