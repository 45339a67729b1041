import { create } from '@bufbuild/protobuf'
import { codes, GrpcError } from '../grpc.ts'
import { normalised, parseReference, storedReference, withDefaultTag, type Reference } from '../reference.ts'
import { ExporterSchema, type CacheOptionsEntry, type Exporter } from './proto/control_pb.ts'
import { notAllowed } from './refusals.ts'
import type { Scope } from './scope.ts'
import { permitRegistry, unlisted, type Policy } from '../policy.ts'
import type { Sources } from './sources.ts'

/** What a build leaves on the engine: references of the namespace, none for an image without a name. */
export interface Exported {
  /** True when an image is left at all. */
  image: boolean
  references: Reference[]
  /** Those of them that the engine also pushes. */
  pushed: Reference[]
}

const imageAttributes = new Set([
  'name', 'unpack', 'store', 'oci-mediatypes', 'compression', 'compression-level', 'force-compression', 'rewrite-timestamp', 'prefer-nondist-layers',
  'buildinfo', 'buildinfo-attrs', 'attestation-prefix', 'name-canonical', 'push', 'tar', 'platform-split', 'mode', 'source-date-epoch', 'inline',
  // Compose's own builder (COMPOSE_BAKE=false) says it, and engines know nothing of it.
  'load',
])

/** What becomes of `push=true`. `by`: who pushes on this engine, undefined when nobody can. */
export interface Pushing {
  by: 'client' | 'engine' | undefined
  policy: Policy
}

/**
 * The exporters of a build as the engine gets them: what stays on the engine gets stored references; archives and folders go to the client as
 * they are. Throws `Refusal` 403 for exporters and attributes that are not allowed, a GrpcError for names that are none.
 */
export function judgeExporters(exporters: readonly Exporter[], scope: Scope, pushing: Pushing): { exporters: Exporter[]; exported: Exported } {
  const exported: Exported = { image: false, references: [], pushed: [] }
  return { exporters: exporters.flatMap((exporter) => judgeExporter(exporter, scope, pushing, exported)), exported }
}

function judgeExporter({ Type, Attrs }: Exporter, { ns }: Scope, pushing: Pushing, exported: Exported): Exporter[] {
  if (!['moby', 'image', 'local', 'tar', 'oci', 'docker'].includes(Type)) {
    throw notAllowed(`the exporter ${Type.slice(0, 40)}`, 'this gateway does not know where it puts the result', 'use image, local, tar, oci or docker')
  }
  for (const key of Object.keys(Attrs)) {
    if (!imageAttributes.has(key) && !/^annotation(-[a-z-]+)?(\[[^\]]*\])?\./.test(key)) {
      throw notAllowed(`the attribute ${key.slice(0, 100)} of the exporter ${Type}`, 'this gateway does not know what it does', 'leave it out')
    }
  }
  if (Type !== 'moby' && Type !== 'image') return [create(ExporterSchema, { Type, Attrs })]
  exported.image = true
  const references = namesOf(Attrs.name ?? '')
  exported.references.push(...references)
  const name = references.map((reference) => storedReference(ns, reference)).join(',')
  const { name: _, push, load: __, ...rest } = Attrs
  const kept = create(ExporterSchema, { Type, Attrs: { ...rest, ...(name !== '' && { name }) } })
  if (push === undefined || /^(0|f|false)$/i.test(push) || pushing.by === 'client') return [kept]
  const pushed = pushedBy(pushing, references, rest)
  exported.pushed.push(...references)
  return [kept, pushed]
}

/**
 * An exporter that sends the image to where its names say and leaves no name on the engine, beside the one that keeps it: with containerd's store
 * BuildKit pushes, with the credentials of the client's session.
 */
function pushedBy({ by, policy }: Pushing, references: readonly Reference[], attributes: Readonly<Record<string, string>>): Exporter {
  if (by === undefined) throw notAllowed('pushing from inside a build', 'this engine would push the image under the namespace\'s name', 'build first, then docker push')
  for (const { domain } of references) permitRegistry(policy, domain, unlisted(policy, domain, { as: ' to push to' }))
  const name = references.map((reference) => normalised(reference)).join(',')
  return create(ExporterSchema, { Type: 'image', Attrs: { ...attributes, name, push: 'true', store: 'false', unpack: 'false' } })
}

function namesOf(list: string): Reference[] {
  const references = list.split(',').filter((name) => name !== '').map((name) => withDefaultTag(parseReference(name)))
  if (references.some((reference) => reference.digest)) throw new GrpcError(codes.invalidArgument, 'refusing to create a tag with a digest reference')
  return [...new Map(references.map((reference) => [normalised(reference), reference])).values()]
}

/** Where caches come from and go to. `registry` is dialled by the engine, the others are inside the image or at the client. */
export function judgeCaches(entries: readonly { Type: string; Attrs: Record<string, string> }[], sources: Sources): { Type: string; Attrs: Record<string, string> }[] {
  return entries.map(({ Type, Attrs }) => {
    if (!['inline', 'registry', 'local'].includes(Type)) {
      throw notAllowed(`the cache type ${Type.slice(0, 40)}`, 'the engine would dial another service with it', 'use inline, registry or local')
    }
    return { Type, Attrs: Type === 'registry' ? { ...Attrs, ref: cacheReference(Attrs.ref ?? '', sources) } : Attrs }
  })
}

function cacheReference(text: string, sources: Sources): string {
  const own = sources.own(text)
  if (own !== undefined) return own.stored
  const reference = parseReference(text)
  permitRegistry(sources.policy, reference.domain, unlisted(sources.policy, reference.domain, { as: ' as a cache' }))
  return normalised(reference)
}

/** `cache-imports`: a list of entries as JSON, and `cache-from`: references with commas between (moby/buildkit, frontend/dockerui). */
export function judgeCacheOptions(options: Record<string, string>, sources: Sources): void {
  if (options['cache-imports']) options['cache-imports'] = JSON.stringify(judgeCaches(readEntries(options['cache-imports']), sources))
  if (options['cache-from']) options['cache-from'] = options['cache-from'].split(',').map((reference) => cacheReference(reference, sources)).join(',')
}

function readEntries(text: string): { Type: string; Attrs: Record<string, string> }[] {
  try {
    const list: unknown = JSON.parse(text)
    if (!Array.isArray(list)) throw new TypeError('not a list')
    return list.map((entry: CacheOptionsEntry) => ({ Type: String(entry?.Type ?? ''), Attrs: Object.fromEntries(Object.entries(entry?.Attrs ?? {}).map(([key, value]) => [key, String(value)])) }))
  } catch {
    throw new GrpcError(codes.invalidArgument, 'cache-imports is not a list of cache entries in JSON')
  }
}
