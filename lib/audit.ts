import * as v from 'valibot'
import type { Outcome } from './outcome.ts'

/**
 * One line of the audit stream: who did what, and why it was refused. The published form is docs/audit.schema.json, made from this schema;
 * fields are only ever added.
 */
export const auditSchema = v.strictObject({
  time: v.pipe(v.string(), v.isoTimestamp(), v.description('When the call arrived, ISO 8601 in UTC.')),
  namespace: v.pipe(v.nullable(v.string()), v.description('Id of the namespace the connection proved; null when it proved none.')),
  label: v.pipe(v.nullable(v.string()), v.description('What people call the namespace; null when it is not open.')),
  policy: v.pipe(v.nullable(v.string()), v.description('Name of the policy the namespace was opened with.')),
  host: v.pipe(v.nullable(v.string()), v.description('Name of the host the namespace lives on.')),
  endpoint: v.pipe(v.string(), v.description('Row of the whitelist, or the method of BuildKit that was refused inside a build (such as moby.buildkit.v1.Control/Solve); "unknown" for what neither serves.')),
  method: v.pipe(v.string(), v.description('HTTP method.')),
  target: v.pipe(v.string(), v.description('The object in the path as the job called it; empty when the path names none.')),
  status: v.pipe(v.number(), v.integer(), v.description('HTTP status of the answer.')),
  milliseconds: v.pipe(v.number(), v.description('Time until the answer was decided.')),
  refusal: v.pipe(v.nullable(v.strictObject({
    field: v.pipe(v.nullable(v.string()), v.description('The field that was refused, such as HostConfig.Privileged.')),
    setting: v.pipe(v.nullable(v.string()), v.description('The setting of the policy that could allow it, such as limits.memory; null when none can.')),
    value: v.pipe(v.nullable(v.union([v.string(), v.number(), v.literal(true)])), v.description('A number that would be enough for it, an entry for its list, or true for a switch.')),
    message: v.pipe(v.string(), v.description('The sentence the client was told.')),
  })), v.description('Present when the gateway itself said no.')),
  permitted: v.pipe(v.array(v.strictObject({
    message: v.pipe(v.string(), v.description('The sentence the client would have been told.')),
    setting: v.pipe(v.string(), v.description('The setting of the policy that would have to allow it, such as limits.memory.')),
    value: v.pipe(v.union([v.string(), v.number(), v.literal(true)]), v.description('A number that would be enough for it, an entry for its list, or true for a switch.')),
  })), v.description('What a policy in mode observe would have refused.')),
  trace: v.pipe(v.nullable(v.string()), v.description('W3C trace context the engine was asked with.')),
})

export type AuditRecord = v.InferOutput<typeof auditSchema>

/** Characters of a target or message that are kept; a job may send longer ones. */
const longest = 1024

/** The audit line of an outcome, or undefined for one that only read and was not refused, unless `reads` are wanted. */
export function auditRecord(outcome: Outcome, reads: boolean): AuditRecord | undefined {
  const { method, refusal, caller, permitted } = outcome
  if (!reads && refusal === undefined && permitted.length === 0 && (method === 'GET' || method === 'HEAD')) return undefined
  return {
    time: new Date(outcome.at).toISOString(), namespace: outcome.namespace ?? null,
    label: caller?.label ?? null, policy: caller?.policy ?? null, host: caller?.host ?? null,
    endpoint: outcome.endpoint, method, target: outcome.target.slice(0, longest), status: outcome.status, milliseconds: outcome.took,
    refusal: refusal
      ? { field: refusal.field ?? null, setting: refusal.setting?.path ?? null, value: refusal.setting?.value ?? null, message: refusal.message.slice(0, longest) }
      : null,
    permitted: permitted.flatMap(({ message, setting }) => setting ? [{ message: message.slice(0, longest), setting: setting.path, value: setting.value }] : []), trace: outcome.trace ?? null,
  }
}
