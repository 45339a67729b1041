/**
 * What a job's image reference is called on the engine: `moorage.invalid/<ns>/<registry>/<path>:<tag>`. The registry becomes a path
 * component, its `:` written as `__` (registries have no underscore, so it can be read back).
 */
import { namespacePattern, storedRegistry } from './names.ts'
import { familiar, parseReference, type Reference } from './reference.ts'
import { Refusal } from './refusal.ts'

/** Longest repository name, registry included, that every supported engine takes (Engine 20.10 counts the registry, later ones do not). */
const maxName = 255

/**
 * The stored name of a tag; no tag is `latest`. Throws `Refusal` 400 for digest references (no tag can be made of them, as on the engine)
 * and for registries and names that cannot be written so.
 */
export function storedReference(ns: string, ref: Reference): string {
  if (ref.digest) throw new Refusal(400, 'refusing to create a tag with a digest reference')
  if (/[A-Z[]/.test(ref.domain)) {
    throw new Refusal(400, `the registry ${ref.domain} of the image name cannot be used here: write it in lower case and not as an IPv6 address`)
  }
  const name = `${prefix(ns)}${ref.domain.replace(':', '__')}/${ref.path}`
  if (name.length > maxName) {
    const over = name.length - maxName
    throw new Refusal(400, `the image name ${ref.domain}/${ref.path} is too long by ${over} characters; use a shorter repository name`)
  }
  return `${name}:${ref.tag ?? 'latest'}`
}

/**
 * The familiar form of a stored reference of this namespace (`busybox:latest`, `host:5000/x@sha256:…`), undefined for other namespaces',
 * for `untaggedReference` and for everything that is no stored reference.
 */
export function fromStored(ns: string, stored: string): string | undefined {
  if (!stored.startsWith(prefix(ns))) return undefined
  const [registry, ...path] = stored.slice(prefix(ns).length).split('/')
  if (path.length === 0) return undefined
  try {
    return familiar(parseReference(`${registry!.replace('__', ':')}/${path.join('/')}`))
  } catch {
    return undefined
  }
}

/** A tag that keeps an image which has no reference from being taken for unused: `imageId` is `sha256:` and 64 hex digits, or the digits. */
export function untaggedReference(ns: string, imageId: string): string {
  return `${prefix(ns)}untagged:${imageId.replace(/^sha256:/, '')}`
}

function prefix(ns: string): string {
  if (!namespacePattern.test(ns)) throw new TypeError(`not a namespace token: ${ns}`)
  return `${storedRegistry}/${ns}/`
}
