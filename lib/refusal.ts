/**
 * A no with a reason: what a client is told instead of an answer.
 * `status` is the HTTP status (400 malformed, 403 not allowed, 404 missing, 409 conflict, 413/431 too large, 501 not served here,
 * 503 not now). `message` names the field, says why and what to do instead.
 * `field` is the path of the refused field for audit and metrics, e.g. `HostConfig.Privileged`. `headers` are those of the engine it speaks for.
 * `setting` is there when a policy could allow it.
 */
export class Refusal extends Error {
  readonly status: number
  readonly field: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly setting: PolicySetting | undefined

  constructor(status: number, message: string, field?: string, headers: Readonly<Record<string, string>> = {}, setting?: PolicySetting) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.field = field
    this.headers = headers
    this.setting = setting
  }
}

/** The setting of a policy that would allow what is refused: a number that would be enough, an entry for its list, or true for a switch. */
export interface PolicySetting {
  /** e.g. `limits.memory`, `capabilities`. */
  readonly path: string
  readonly value: number | string | true
}

/** The parts of a policy refusal: the field, why it is refused, and what the job can do instead. */
export interface Forbidden {
  field: string
  why: string
  instead: string
}

/** A 403 whose sentence always has the same three parts, so that people and logs can rely on them. */
export function forbidden({ field, why, instead }: Forbidden, setting?: PolicySetting): Refusal {
  return new Refusal(403, `${field} is not allowed in this namespace: ${why}; ${instead}`, field, {}, setting)
}

/** The body of every refusal and error, shaped as the engine shapes its own (Engine API, ErrorResponse). */
export function refusalBody(refusal: { message: string }): string {
  return `${JSON.stringify({ message: refusal.message })}\n`
}

/** What an error body says, the gateway's or an engine's; the text itself when it is not shaped so. */
export function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body)
    if (typeof message === 'string') return message
  } catch { /* A proxy on the way, or an engine that answers with plain text. */ }
  return body.trim()
}
