import type { Refusal } from './refusal.ts'

/**
 * What became of one call: told once, when its answer is decided, or, for connections that were handed over, when they have ended.
 * Audit, metrics and the operators' page are made of these and of nothing else.
 */
export interface Outcome {
  /** Milliseconds since the epoch at which the call arrived. */
  readonly at: number
  /** Milliseconds the gateway and the engine worked on it. */
  readonly took: number
  /** The namespace's id; undefined when the caller was not known. */
  readonly namespace: string | undefined
  /** The row's name; `unknown` for what no row serves. */
  readonly endpoint: string
  /** The object in the path as the job called it; '' when the path names none. */
  readonly target: string
  /** HTTP status; 200 for connections that were handed over. */
  readonly status: number
  /** Why the gateway itself said no. The engine's own errors are no refusals. */
  readonly refusal: Refusal | undefined
  /** W3C trace context of the call (https://www.w3.org/TR/trace-context/), as sent on to the engine. */
  readonly trace: string | undefined
}

/** Takes outcomes in; must not throw and not wait. */
export type Observer = (outcome: Outcome) => void
