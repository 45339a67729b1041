/** Registry credentials: the body of `POST /auth` and the headers X-Registry-Auth and X-Registry-Config (Engine API, Authentication). */
import { parseRequestJson } from '../json.ts'
import { Refusal } from '../refusal.ts'
import { drop, mapOf, parseBody, pass, type ReadBy, rewrite, struct, text, type Type } from '../schema.ts'

export const authConfig = struct('registry.AuthConfig', {
  username: pass(text),
  password: pass(text),
  auth: pass(text),
  /** The engine dials it: the pipeline asks the policy first. */
  serveraddress: rewrite(text),
  identitytoken: pass(text),
  registrytoken: pass(text),
  // Old clients send it; the engine has no use for it.
  email: drop(text),
}, { unknown: 'drop' })

export type AuthConfig = ReadBy<typeof authConfig>

/** `X-Registry-Auth`. Malformed credentials are none, as for the engine; what it does not know is left out. */
export function parseRegistryAuth(header: string): AuthConfig | undefined {
  return parseHeader(authConfig, header)
}

/** `X-Registry-Config`: credentials by registry, for builds. Malformed ones are none. */
export function parseRegistryConfig(header: string): Record<string, AuthConfig> | undefined {
  return parseHeader(mapOf(authConfig), header)
}

/** The header the engine is sent instead: base64url of the known fields only. */
export function registryHeader(value: AuthConfig | Record<string, AuthConfig>): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')).replaceAll('+', '-').replaceAll('/', '_')
}

function parseHeader<T>(schema: Type<T>, header: string): T | undefined {
  try {
    const binary = atob(header.replaceAll('-', '+').replaceAll('_', '/'))
    return parseBody(schema, parseRequestJson(Uint8Array.from(binary, (char) => char.charCodeAt(0))))
  } catch (error) {
    if (error instanceof Refusal || error instanceof DOMException) return undefined
    throw error
  }
}
