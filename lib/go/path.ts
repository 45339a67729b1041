import { Refusal } from '../refusal.ts'
import { percentDecode } from './text.ts'

/** A request target as the engine's router sees it. */
export interface Target {
  /** Decoded path without the version prefix; starts with a slash. */
  path: string
  /** API version of the prefix (`1.51`), as written. */
  version?: string
  /** Raw query without `?`; '' when there is none. */
  query: string
  /** Where a 301 must point, because the path is not in its cleaned form. Nothing is routed then. */
  redirect?: string
}

/**
 * Reads the raw target of a request line (RFC 9112 origin-form or absolute-form) as Go's net/http and gorilla/mux do: the path is
 * percent-decoded before it is matched, `#` is an ordinary character, `//`, `/./` and `/../` (also as `%2F`) are answered with a redirect
 * to the cleaned path, `/v1.51/` in front becomes the version.
 * Throws `Refusal` 400 for bad escapes, control bytes, NUL and bytes that are not UTF-8, and for targets of no such form.
 */
export function canonicalPath(rawTarget: string): Target {
  if (hasControl(rawTarget)) throw new Refusal(400, 'the request target has control characters; percent-encode or remove them')
  const { origin, rest } = splitOrigin(rawTarget)
  const mark = rest.indexOf('?')
  const query = mark === -1 ? '' : rest.slice(mark + 1)
  const decoded = percentDecode(mark === -1 ? rest : rest.slice(0, mark), 'path')
  if (hasControl(decoded)) throw new Refusal(400, 'the path has control characters, which no name on an engine has; remove them')
  const cleaned = cleanPath(decoded)
  const target = { ...splitVersion(cleaned), query }
  if (cleaned === decoded) return target
  return { ...target, redirect: origin + escapePath(cleaned) + (mark === -1 ? '' : `?${query}`) }
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

function splitOrigin(target: string): { origin: string; rest: string } {
  if (target.startsWith('/')) return { origin: '', rest: target }
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i.exec(target)?.[0]
  if (origin === undefined) throw new Refusal(400, 'the request target must be a path or an absolute URL')
  return { origin, rest: target.slice(origin.length) }
}

function splitVersion(path: string): { path: string; version?: string } {
  const match = /^\/v([0-9.]+)(\/.*)$/s.exec(path)
  return match ? { version: match[1]!, path: match[2]! } : { path }
}

/** gorilla/mux cleanPath over Go's path.Clean: rooted, without empty, `.` and `..` elements; a slash at the end stays. */
function cleanPath(path: string): string {
  const kept: string[] = []
  for (const element of path.split('/')) {
    if (element === '..') kept.pop()
    else if (element !== '' && element !== '.') kept.push(element)
  }
  const cleaned = `/${kept.join('/')}`
  return path.endsWith('/') && cleaned !== '/' ? `${cleaned}/` : cleaned
}

/** Go's URL.EscapedPath of a decoded path. */
function escapePath(path: string): string {
  return encodeURIComponent(path).replace(/%(?:2F|24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
