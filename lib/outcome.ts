import type { Refusal } from './refusal.ts'
import type { Namespace } from './store.ts'

/**
 * What became of one call: told once, when its answer is decided or its connection is handed over. What was refused inside a call that went on
 * is an outcome of its own.
 * Audit, metrics and the operators' page are made of these and of nothing else.
 */
export interface Outcome {
  /** Milliseconds since the epoch at which the call arrived. */
  readonly at: number
  /** Milliseconds the gateway and the engine worked on it. */
  readonly took: number
  /** The id the connection proved; undefined when it proved none. */
  readonly namespace: string | undefined
  /** The open namespace of that id; undefined when there is none. */
  readonly caller: Namespace | undefined
  readonly method: string
  /** The row's name, or BuildKit's for a method that was refused; `unknown` for what neither serves. */
  readonly endpoint: string
  /** The object in the path as the job called it; '' when the path names none. */
  readonly target: string
  /** HTTP status; 200 for connections that were handed over. */
  readonly status: number
  /** Why the gateway itself said no. The engine's own errors are no refusals. */
  readonly refusal: Refusal | undefined
  /** What a policy that only observes would have refused, and did not. */
  readonly permitted: readonly Refusal[]
  /** What was thrown that is no refusal: a defect of the gateway, answered with 500. */
  readonly failure: unknown
  /** W3C trace context of the call (https://www.w3.org/TR/trace-context/), as sent on to the engine. */
  readonly trace: string | undefined
}

/** Takes outcomes in; must not throw and not wait. */
export type Observer = (outcome: Outcome) => void
