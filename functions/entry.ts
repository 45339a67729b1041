import type { Connection } from '../lib/engine.ts'

/** What a runtime hands the app with every request. */
export interface Entry {
  /** The raw request target as it was received. */
  target: string
  /** The namespace the connection proved to be, by certificate or socket. */
  namespace: string | undefined
  connection: Connection
}
