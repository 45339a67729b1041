import { storedRegistry } from '../names.ts'
import { fromStored, normalised, parseReference } from '../reference.ts'
import { rewriteDefinition } from './definition.ts'
import { notAllowed } from './refusals.ts'
import { MountType, NetMode, SecurityMode, type Definition, type ExecOp, type Mount, type Op, type SourceOp } from './proto/ops_pb.ts'
import { scopedId, unscopedId, type Scope } from './scope.ts'
import { fetchedByEngine, permitSource, type Sources } from './sources.ts'

/**
 * Judges raw LLB of a client, operation by operation, and makes it the namespace's: RUN steps in its control group, cache mounts, sessions
 * and images its own (moby/buildkit, solver/pb/ops.proto). Throws `Refusal` 403 naming what is not allowed, a GrpcError for definitions that make no sense.
 */
export async function judgeDefinition(definition: Definition | undefined, scope: Scope, sources: Sources): Promise<void> {
  if (definition === undefined) return
  await rewriteDefinition(definition, (op) => judgeOp(op, scope, sources), { strict: true })
  for (const metadata of Object.values(definition.metadata)) {
    if (metadata.linuxResources) throw notAllowed('linux_resources of a build step', 'the limits of build steps are the namespace\'s', 'leave them out')
  }
  // Only shown to people, and LLB in its turn.
  for (const info of definition.Source?.infos ?? []) info.definition = undefined
}

/** Turns LLB that the engine made for this namespace into what its client may see, and send again. */
export async function showDefinition(definition: Definition, scope: Scope): Promise<void> {
  await rewriteDefinition(definition, (op) => showOp(op, scope), { strict: false })
  for (const info of definition.Source?.infos ?? []) info.definition = undefined
}

function judgeOp({ op, constraints }: Op, scope: Scope, sources: Sources): void {
  if (constraints?.filter.length) throw notAllowed('a worker filter', 'there is one worker', 'leave it out')
  if (op.case === 'exec') judgeExec(op.value, scope)
  else if (op.case === 'source') judgeSource(op.value, scope, sources)
  else if (op.case === 'build') throw notAllowed('an LLB build operation', 'a build inside a build cannot be judged beforehand', 'build in two steps')
  else if (op.case === 'passthrough') throw notAllowed('an LLB passthrough operation', 'this gateway does not know what it does', 'leave it out')
}

function judgeExec(exec: ExecOp, scope: Scope): void {
  if (exec.network !== NetMode.UNSET && exec.network !== NetMode.NONE) {
    throw notAllowed('the host\'s network in a RUN step', 'it reaches what is private to the engine\'s host', 'use the default network')
  }
  if (exec.security !== SecurityMode.SANDBOX) throw notAllowed('security=insecure in a RUN step', 'a privileged step owns the engine\'s host', 'run without')
  if (exec.cdiDevices.length > 0) throw notAllowed('a device in a RUN step', 'it belongs to the engine\'s host', 'run without')
  if (exec.meta) exec.meta.cgroupParent = scope.group
  for (const mount of exec.mounts) judgeMount(mount, scope)
}

function judgeMount(mount: Mount, scope: Scope): void {
  if (mount.mountType > MountType.TMPFS || mount.mountType < 0) throw notAllowed(`mount type ${mount.mountType}`, 'this gateway does not know it', 'use bind, cache, tmpfs, secret or ssh')
  if (mount.cacheOpt) mount.cacheOpt.ID = `${scope.cache}/${mount.cacheOpt.ID}`
}

/** Attributes that name a session, of local and OCI layout sources and of secrets for HTTP and git. */
const sessionAttributes = ['local.session', 'oci.session'] as const

function judgeSource(source: SourceOp, scope: Scope, sources: Sources): void {
  permitSource(source.identifier, sources, fetchedByEngine(source.identifier))
  requireSameHost(source)
  for (const name of sessionAttributes) {
    if (source.attrs[name] !== undefined) source.attrs[name] = scopedId(scope.ns, unscopedId(scope.ns, source.attrs[name]) ?? source.attrs[name])
  }
  const image = /^docker-image:\/\/(.*)$/s.exec(source.identifier)?.[1]
  if (image === undefined) return
  // LLB that the engine made and the client sends again may hold an image by its id, under the namespace's own prefix.
  const stored = image.startsWith(`${storedRegistry}/${scope.ns}/`) ? image : sources.own(image)?.stored
  if (stored !== undefined) source.identifier = `docker-image://${stored}`
  // Other images come from their registry, and never from what happens to be on the engine under that name.
  source.attrs['image.resolvemode'] = stored === undefined ? 'pull' : 'local'
}

/** An engine judges a git source by its identifier and fetches it from its full URL (moby/buildkit, source/git). */
function requireSameHost({ identifier, attrs: { 'git.fullurl': url } }: SourceOp): void {
  if (url !== undefined && hostOf(url) !== hostOf(identifier)) throw notAllowed(`the git URL ${url.slice(0, 200)}`, `it is on another host than ${identifier.slice(0, 200)}`, 'name the same in both')
}

/** Of an URL, whose user may have any number of @, or of a path as scp takes it. */
function hostOf(url: string): string | undefined {
  return /^(?:[a-z+]+:\/\/(?:[^/?#]*@)?|(?:[^/@]*@)?)(\[[^\]]*\]|[^/:?#]+)/i.exec(url)?.[1]?.toLowerCase()
}

function showOp({ op }: Op, scope: Scope): void {
  if (op.case === 'exec') {
    if (op.value.meta) op.value.meta.cgroupParent = ''
    for (const { cacheOpt } of op.value.mounts) if (cacheOpt?.ID.startsWith(`${scope.cache}/`)) cacheOpt.ID = cacheOpt.ID.slice(scope.cache.length + 1)
  } else if (op.case === 'source') {
    const stored = op.value.identifier.replace(/^docker-image:\/\//, '')
    const job = fromStored(scope.ns, stored)
    if (job !== undefined) op.value.identifier = `docker-image://${normalised(parseReference(job))}`
    for (const name of sessionAttributes) {
      const session = op.value.attrs[name]
      if (session !== undefined) op.value.attrs[name] = unscopedId(scope.ns, session) ?? ''
    }
  }
}
