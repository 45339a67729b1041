/**
 * Image references by the grammar of distribution/reference, normalised as Docker does it: `busybox` is
 * `docker.io/library/busybox`, `localhost/x` and `host:5000/x` name a registry, `user/x` does not.
 */
import { Refusal } from './refusal.ts'
import { registryHost } from './registries.ts'

export { fromStored, storedReference, untaggedReference } from './stored-reference.ts'

/** A normalised reference. Without tag and digest it stands for the tag `latest` wherever a tag is needed. */
export interface Reference {
  /** Registry host with port, `docker.io` for the default one. */
  readonly domain: string
  /** Repository without the registry: `library/busybox`. */
  readonly path: string
  readonly tag?: string
  /** `sha256:…`, also sha384 and sha512. */
  readonly digest?: string
}

const defaultDomain = 'docker.io'
const official = 'library/'
const maxPath = 255
const maxText = 1024

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const tag = '\\w[\\w.-]{0,127}'
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const referencePattern = new RegExp(`^(${registryHost})/(${component}(?:/${component})*)(?::(${tag}))?(?:@(${digest}))?$`)
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

/**
 * Parses what a job wrote (distribution/reference ParseNormalizedNamed). Throws `Refusal` 400 with the engine's texts.
 * Stricter in one point: names such as `a_b.c/x`, whose first part looks like a registry but cannot be one, are refused.
 */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) throw bad(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  if (text.length > maxText) throw tooLong()
  const [registry, remainder] = splitDomain(text)
  const name = remainder.split(':', 1)[0]!
  if (name.toLowerCase() !== name) throw bad(`invalid reference format: repository name (${name}) must be lowercase`)
  const full = `${registry}/${remainder}`
  const match = referencePattern.exec(full)
  if (match === null) throw bad(referencePattern.test(full.toLowerCase()) ? 'repository name must be lowercase' : 'invalid reference format')
  if (match[2]!.length > maxPath) throw tooLong()
  if (match[1] === defaultDomain && /^(localhost|[^/]*\.[^/]*)\//.test(match[2]!)) throw bad(`the image name ${full.slice(0, 200)} is read as one of a registry when it is shortened; Docker Hub has no such names`)
  checkDigest(match[4])
  return { domain: match[1]!, path: match[2]!, ...(match[3] && { tag: match[3] }), ...(match[4] && { digest: match[4] }) }
}

function splitDomain(text: string): [string, string] {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  const rest = text.slice(slash + 1)
  if (first === defaultDomain || first === 'index.docker.io') return [defaultDomain, rest.includes('/') ? rest : official + rest]
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first
  if (slash !== -1 && isDomain) return [first, rest]
  return [defaultDomain, slash === -1 ? official + text : text]
}

/** go-digest Validate, for the algorithms the engine has. */
function checkDigest(text: string | undefined): void {
  if (text === undefined) return
  const [algorithm = '', encoded = ''] = text.split(':')
  const length = digestLengths[algorithm]
  if (length === undefined) throw bad(/[A-Z]/.test(algorithm) ? 'invalid checksum digest format' : 'unsupported digest algorithm')
  if (encoded.length !== length) throw bad('invalid checksum digest length')
  if (/[A-F]/.test(encoded)) throw bad('invalid checksum digest format')
}

function tooLong(): Refusal {
  return bad(`repository name must not be more than ${maxPath} characters`)
}

function bad(message: string): Refusal {
  return new Refusal(400, message)
}

/** The name alone as users write it: `busybox`, `user/app`, `host:5000/app` (reference.FamiliarName). */
export function familiarName(ref: Reference): string {
  if (ref.domain !== defaultDomain) return `${ref.domain}/${ref.path}`
  return /^library\/[^/]+$/.test(ref.path) ? ref.path.slice(official.length) : ref.path
}

/** As users write it, with the tag and digest it has (reference.FamiliarString). */
export function familiar(ref: Reference): string {
  return familiarName(ref) + (ref.tag ? `:${ref.tag}` : '') + (ref.digest ? `@${ref.digest}` : '')
}

/** The same reference with the tag `latest` when it has neither tag nor digest. */
export function withDefaultTag(ref: Reference): Reference {
  return ref.tag || ref.digest ? ref : { ...ref, tag: 'latest' }
}

/** One text per image reference: `domain/path:tag`, or `domain/path@digest`, where a digest makes a tag meaningless (ParseDockerRef). */
export function normalised(ref: Reference): string {
  return `${ref.domain}/${ref.path}${ref.digest ? `@${ref.digest}` : `:${ref.tag ?? 'latest'}`}`
}

/**
 * May the text stand for an image id? 'id': 64 hex digits, with or without `sha256:`. 'prefix': fewer digits, which may also be a name
 * (`cafe`); the engine tries names first. Undefined: only a name.
 */
export function isImageId(text: string): 'id' | 'prefix' | undefined {
  const digits = /^(?:sha256:)?([a-f0-9]{1,64})$/.exec(text)?.[1]
  if (digits === undefined) return undefined
  return digits.length === 64 ? 'id' : 'prefix'
}
