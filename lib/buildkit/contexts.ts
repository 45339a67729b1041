import { create } from '@bufbuild/protobuf'
import { familiar, parseReference } from '../reference.ts'
import type { Bridge } from './bridge.ts'
import { digestOf } from './digest.ts'
import { encodeOp } from './op.ts'
import { DefinitionSchema, OpMetadataSchema, OpSchema, type Definition } from './proto/ops_pb.ts'
import { SolveRequestSchema, type SolveRequest } from './proto/gateway_pb.ts'
import type { LocalImage, Sources } from './sources.ts'

/**
 * How a Dockerfile gets the namespace's own images.
 *
 * BuildKit looks for an image's config on the engine before it asks the registry, without regard to the source policy's attributes. So
 * for a moment another namespace's image could be read under its real name, while it is pushed. Builds here therefore always resolve from
 * the registry (`image-resolve-mode=pull`), and the images a namespace has are handed to the Dockerfile frontend as named contexts: LLB
 * of the stored tag, with the image's config beside it (moby/buildkit, frontend/dockerui/namedcontext.go).
 */
export interface Contexts {
  /** To be added to the frontend's options; what the client has set itself goes first. */
  options: Record<string, string>
  inputs: Record<string, Definition>
}

/** The config of an image, as the engine stores it (OCI image configuration, JSON). */
export type ReadConfig = (image: LocalImage) => Promise<Uint8Array | undefined>

/** What is known of a Dockerfile before it is built. */
export interface Stages {
  /** Names of its stages, in lower case. */
  names: ReadonlySet<string>
  /** What they stand on, as it is written. */
  bases: readonly string[]
}

/**
 * `stages`: names of the Dockerfile's stages, which a context of the same name would replace. `byId`: images that it names by id. `given`:
 * the client's options; contexts that it names itself are left to it, unless they are images of the namespace.
 */
export async function contextsOf(sources: Sources, { names: stages, bases }: Stages, byId: ReadonlyMap<string, LocalImage>, readConfig: ReadConfig, given: Readonly<Record<string, string>>): Promise<Contexts> {
  const contexts: Contexts = { options: {}, inputs: {} }
  const written = new Set(bases.map(contextNameOf))
  for (const [name, image] of [...sources.images, ...byId]) {
    const key = byId.has(name) ? name : contextName(name)
    const named = Object.keys(given).filter((option) => option.startsWith('context:') && isImage(given[option]!, name, sources))
    const wanted = !stages.has(key) && given[`context:${key}`] === undefined
    if (!wanted && named.length === 0) continue
    const config = await readConfig(image)
    const platform = config && platformOf(config)
    if (config === undefined || platform === undefined) continue
    // Progress tells the name of the input. An image of many names is handed over once, but for those that the Dockerfile writes.
    const input = `moorage-${image.id.replace(/^sha256:/, '').slice(0, 32)}${written.has(key) ? `-${Object.keys(contexts.inputs).length}` : ''}`
    contexts.inputs[input] ??= await imageDefinition(image, name, platform)
    contexts.options[`input-metadata:${input}`] ??= JSON.stringify({ 'containerimage.config': base64(config) })
    for (const option of [...wanted ? [`context:${key}::${formatted(platform)}`] : [], ...named]) contexts.options[option] = `input:${input}`
  }
  return contexts
}

function isImage(context: string, name: string, sources: Sources): boolean {
  const reference = /^docker-image:\/\/(.*)$/s.exec(context)?.[1]
  return reference !== undefined && sources.own(reference) !== undefined && sources.own(reference) === sources.images.get(name)
}

/** What the frontend looks an image up by: the familiar name, `latest` left out. */
function contextName(reference: string): string {
  return familiar(parseReference(reference)).replace(/:latest$/, '')
}

/** The same for what a Dockerfile writes, which may be anything. */
function contextNameOf(text: string): string {
  try {
    return contextName(text)
  } catch {
    return text
  }
}

interface Platform {
  os: string
  architecture: string
  variant: string
}

function platformOf(config: Uint8Array): Platform | undefined {
  try {
    const { os, architecture, variant } = JSON.parse(new TextDecoder().decode(config))
    if (typeof os !== 'string' || typeof architecture !== 'string') return undefined
    return { os, architecture, variant: typeof variant === 'string' ? variant : '' }
  } catch {
    return undefined
  }
}

/** containerd/platforms, FormatAll of a normalised platform. */
function formatted({ os, architecture, variant }: Platform): string {
  const implied = (architecture === 'arm64' && variant === 'v8') || (architecture === 'amd64' && variant === 'v1')
  return [os, architecture, ...variant === '' || implied ? [] : [variant]].join('/')
}

async function imageDefinition(image: LocalImage, name: string, platform: Platform): Promise<Definition> {
  const source = encodeOp(create(OpSchema, {
    op: { case: 'source', value: { identifier: `docker-image://${image.stored}`, attrs: { 'image.resolvemode': 'local' } } },
    platform: { OS: platform.os, Architecture: platform.architecture, Variant: platform.variant },
  }))
  const digest = await digestOf(source)
  const result = encodeOp(create(OpSchema, { inputs: [{ digest, index: 0n }] }))
  return create(DefinitionSchema, {
    def: [source, result],
    metadata: { [digest]: create(OpMetadataSchema, { description: { 'llb.customname': `FROM ${name}` } }) },
  })
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}

/** The stages of a Dockerfile, asked of the frontend itself (subrequest frontend.targets). None when it cannot say: the build will tell why. */
export async function stagesOf(bridge: Bridge, { FrontendOpt: options, FrontendInputs }: Pick<SolveRequest, 'FrontendOpt' | 'FrontendInputs'>): Promise<Stages | undefined> {
  try {
    const { result } = await bridge.solve(create(SolveRequestSchema, {
      Frontend: 'dockerfile.v0', FrontendOpt: { ...options, requestid: 'frontend.targets' }, FrontendInputs, allowResultReturn: true, allowResultArrayRef: true,
    }))
    const targets: { name?: string; base?: string }[] = JSON.parse(new TextDecoder().decode(result?.metadata['result.json'])).targets ?? []
    return { names: new Set(targets.map(({ name = '' }) => name.toLowerCase())), bases: targets.map(({ base = '' }) => base) }
  } catch {
    return undefined
  }
}
