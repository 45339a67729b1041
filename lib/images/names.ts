import { familiarName, parseReference, withDefaultTag, type Reference } from '../reference.ts'
import { Refusal } from '../refusal.ts'

/** The tag grammar of distribution/reference. */
const tagPattern = /^\w[\w.-]{0,127}$/

/**
 * The name and tag parameters of pull, import and tag as one reference (moby, api/server/httputils RepoTagReference and the image
 * router): a trailing colon of the name is nothing, a tag replaces the one in the name. Throws `Refusal` 400 with the engine's texts.
 */
export function namedBy(name: string, tag: string | undefined): Reference {
  const reference = parseReference(name.replace(/:$/, ''))
  if (!tag) return withDefaultTag(reference)
  const { domain, path } = reference
  if (/^[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}$/.test(tag)) return parseReference(`${domain}/${path}@${tag}`)
  if (!tagPattern.test(tag)) throw new Refusal(400, 'invalid tag format')
  return { domain, path, tag }
}

/**
 * The reference a new image is to have, or undefined when none was asked for. `complaint`: what this engine calls a digest here.
 */
export function targetReference(repo: string | undefined, tag: string | undefined, complaint = 'refusing to create a tag with a digest reference'): Reference | undefined {
  if (!repo) return undefined
  if (tag?.includes(':')) throw new Refusal(400, 'invalid tag format')
  const reference = namedBy(repo, tag)
  if (parseReference(repo).digest) throw new Refusal(400, complaint)
  refuseAlgorithm(reference)
  return reference
}

/** Throws the engine's 400 for a name that would read as the beginning of an image id. */
export function refuseAlgorithm(reference: Reference): void {
  if (familiarName(reference) === 'sha256') throw new Refusal(400, 'refusing to create an ambiguous tag using digest algorithm as name')
}
