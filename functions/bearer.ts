import type { Connection } from '../lib/engine.ts'

/** The token of a request's `Authorization: Bearer` header (RFC 6750, section 2.1), undefined when it has none. */
export function bearerToken(connection: Pick<Connection, 'header'>): string | undefined {
  return /^Bearer (\S+)$/i.exec(connection.header('authorization') ?? '')?.[1]
}
