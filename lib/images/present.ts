import { underUsualRoot } from '../containers/present.ts'
import type { HostFacts, ImageFacts } from '../engine.ts'
import { compareVersions } from '../go.ts'
import { withoutOurLabels } from '../present.ts'
import { isDigest, shown, type OwnImage } from './table.ts'

const neverTagged = '0001-01-01T00:00:00Z'

/** The parts of the namespace's view that other images decide. */
export interface Neighbours {
  isVisible(id: string): boolean
  /** Own containers made of this image, absent when nobody counted. */
  containers?: number
}

/** `GET /images/{name}/json` from what the engine says of the content and the namespace's own references (engine-api.md C.2). */
export function presentInspect(facts: ImageFacts, image: OwnImage, { isVisible }: Neighbours, host: HostFacts): ImageFacts {
  const { tags, digests } = referencesOf(image, facts)
  const root = String(host.info.DockerRootDir ?? '')
  return {
    ...facts,
    ...('RepoTags' in facts && { RepoTags: tags }), ...('RepoDigests' in facts && { RepoDigests: digests }),
    ...('Parent' in facts && { Parent: isVisible(facts.Parent) ? facts.Parent : '' }),
    ...(facts.Metadata && { Metadata: { ...facts.Metadata, LastTagTime: image.shared ? facts.Metadata.LastTagTime : image.tagged ?? neverTagged } }),
    ...(facts.GraphDriver && { GraphDriver: { ...facts.GraphDriver, Data: pathsUnderUsualRoot(facts.GraphDriver.Data, root) } }),
    ...(facts.Config && { Config: withLabels(facts.Config) }),
    // What an old engine's commit kept of the container.
    ...(facts.ContainerConfig && { ContainerConfig: withLabels(facts.ContainerConfig) }),
  }
}

function withLabels(config: Record<string, any>): Record<string, any> {
  return 'Labels' in config ? { ...config, Labels: withoutOurLabels(config.Labels) } : config
}

function pathsUnderUsualRoot(data: Record<string, unknown> | null, root: string): Record<string, unknown> | null {
  return data && Object.fromEntries(Object.entries(data).map(([key, path]) => [key, root ? underUsualRoot(path, root) : path]))
}

/** Familiar tags and digests. Digests of shared images are the engine's own knowledge of the shared repositories. */
function referencesOf(image: OwnImage, facts: ImageFacts): { tags: string[]; digests: string[] } {
  const tags = image.references.filter((name) => !isDigest(name)).map(shown)
  const digests = image.references.filter(isDigest).map(shown)
  if (!image.shared) return { tags, digests }
  const repositories = new Set(tags.map((tag) => tag.slice(0, tag.lastIndexOf(':'))))
  const known = ((facts.RepoDigests ?? []) as string[]).filter((digest) => repositories.has(digest.split('@', 1)[0]!))
  return { tags, digests: known }
}

/** An entry of `GET /images/json` (engine-api.md C.2). `facts` in any API version. */
export function presentSummary(facts: ImageFacts, image: OwnImage, { isVisible, containers }: Neighbours): any {
  const { tags, digests } = referencesOf(image, facts)
  return {
    Containers: containers ?? -1,
    Created: Math.floor(Date.parse(facts.Created ?? '') / 1000) || 0,
    Id: image.id,
    Labels: withoutOurLabels(facts.Config?.Labels ?? null),
    ParentId: isVisible(facts.Parent ?? '') ? facts.Parent : '',
    RepoDigests: digests, RepoTags: tags,
    SharedSize: -1, Size: facts.Size ?? 0,
  }
}

/** The list entry as this API version has it: how no references are written, and the virtual size. */
export function versioned(summary: any, version: string): any {
  const { RepoTags: tags, RepoDigests: digests } = summary
  const old = compareVersions(version, '1.43') < 0
  const unnamed = old && tags.length + digests.length === 0
  const none = old ? null : []
  return {
    ...summary,
    RepoTags: unnamed ? ['<none>:<none>'] : tags.length === 0 ? none : tags,
    RepoDigests: unnamed ? ['<none>@<none>'] : digests.length === 0 ? none : digests,
    ...(compareVersions(version, '1.44') < 0 && { VirtualSize: summary.Size }),
  }
}

/** `GET /images/{name}/history`: steps whose image the namespace cannot see are `<missing>`, tags are its own. */
export function presentHistory(history: any[], images: ReadonlyMap<string, OwnImage>): any[] {
  return history.map((step) => {
    const image = images.get(step.Id)
    const tags = image?.references.filter((name) => !isDigest(name)).map(shown) ?? []
    return { ...step, Id: image === undefined ? '<missing>' : step.Id, Tags: tags.length === 0 ? null : tags }
  })
}
