import { Refusal } from './refusal.ts'

/**
 * The engine's own words for things that do not exist (engine-api.md A.0). Another namespace's object gets exactly these.
 * `term` is the string the client sent.
 */
export const missing = {
  container: (term: string) => new Refusal(404, `No such container: ${term}`),
  exec: (term: string) => new Refusal(404, `No such exec instance: ${term}`),
  network: (term: string) => new Refusal(404, `network ${term} not found`),
  volume: (term: string) => new Refusal(404, `get ${term}: no such volume`),
  /** `term` in its familiar, tag-completed form. */
  image: (term: string) => new Refusal(404, `No such image: ${term}`),
  page: () => new Refusal(404, 'page not found'),
} as const

/** A prefix that several ids share. */
export const ambiguous = {
  container: (term: string) => new Refusal(400, `multiple IDs found with provided prefix: ${term}`),
  network: (term: string) => new Refusal(400, `network ${term} is ambiguous (2 matches found based on ID prefix)`),
} as const
