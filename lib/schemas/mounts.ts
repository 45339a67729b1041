/** `HostConfig.Mounts` (Engine API, Mount; daemon/volume/mounts, linux_parser.go). */
import type { Policy } from '../policy.ts'
import { forbidden, Refusal } from '../refusal.ts'
import { allow, anything, drop, flag, force, list, pass, quota, type ReadBy, rewrite, struct, text, textList, uint32, int64 } from '../schema.ts'
import { hostPathRefusal, maybeSocket } from './binds.ts'
import { labels } from './labels.ts'
import { checkVolumeName } from './names.ts'
import { isLocalPath, targetFault } from './paths.ts'
import { checkTmpfsSize } from './tmpfs.ts'

const types = ['volume', 'tmpfs', 'image', 'bind']

/** The options each type of mount may have. */
const ownOptions: Record<string, string> = {
  volume: 'VolumeOptions', tmpfs: 'TmpfsOptions', image: 'ImageOptions', bind: 'BindOptions', cluster: 'ClusterOptions',
}

const hostDriver = { why: 'volume drivers and their options can mount any folder or network share of the engine\'s host', instead: 'use the driver "local" without options' }

const driverConfig = struct('mount.Driver', {
  Name: allow(text, (name, at) => {
    if (name !== '' && name !== 'local') throw forbidden({ field: at, ...hostDriver })
  }),
  Options: force(anything, hostDriver),
})

const volumeOptions = struct('mount.VolumeOptions', {
  NoCopy: pass(flag),
  Labels: rewrite(labels),
  Subpath: pass(text),
  DriverConfig: allow(driverConfig, () => undefined),
})

const imageOptions = struct('mount.ImageOptions', { Subpath: pass(text) })

function tmpfsOptions(policy: Policy) {
  return struct('mount.TmpfsOptions', {
    SizeBytes: quota(int64, (bytes, at) => checkTmpfsSize(bytes, at, policy)),
    Mode: pass(uint32),
    Options: allow(list(textList), (options, at) => {
      const wrong = options.find((option) => option.length !== 1 || !['exec', 'noexec'].includes(option[0] ?? ''))
      if (wrong !== undefined) throw forbidden({ field: at, why: `the option ${JSON.stringify(wrong)} is not on the list`, instead: 'use ["exec"] or ["noexec"]' })
    }),
  })
}

/** One mount. Sources (volume names, image references) are checked in form only: the pipeline resolves and replaces them. */
export function mountSchema(policy: Policy) {
  return struct('mount.Mount', {
    Type: allow(text, () => undefined),
    Source: rewrite(text),
    Target: pass(text),
    ReadOnly: pass(flag),
    // Means something to Docker Desktop only.
    Consistency: drop(text),
    // Binds are of sockets only, and these are bound in one way.
    BindOptions: drop(anything),
    VolumeOptions: rewrite(volumeOptions),
    ImageOptions: pass(imageOptions),
    TmpfsOptions: quota(tmpfsOptions(policy), () => undefined),
    ClusterOptions: force(anything, { why: 'there are no cluster volumes here', instead: 'leave it out' }),
  }, { before: checkKind, after: checkMount })
}

export type Mount = ReadBy<ReturnType<typeof mountSchema>>

function invalid(type: unknown, why: string, at: string): Refusal {
  return new Refusal(400, `invalid mount config for type ${JSON.stringify(type)}: ${why}`, at)
}

/** Before the fields, so that a bind is refused as a bind, whatever else it has. */
function checkKind(values: ReadonlyMap<string, unknown>, at: string): void {
  const type = values.get('Type') ?? ''
  const source = values.get('Source')
  const isSocket = type === 'bind' && typeof source === 'string' && maybeSocket(source)
  if (type === 'bind' && !isSocket) throw hostPathRefusal(typeof source === 'string' && source !== '' ? source.slice(0, 200) : 'the source of a bind', at)
  if (typeof type === 'string' && !types.includes(type)) throw invalid(type, 'mount type unknown', at)
  const foreign = Object.entries(ownOptions).find(([owner, name]) => owner !== type && (values.get(name) ?? undefined) !== undefined)
  if (foreign !== undefined) throw invalid(type, `field ${foreign[1]} must not be specified`, at)
}

function checkMount(mount: { Type?: string; Source?: string; Target?: string; VolumeOptions?: { Subpath?: string }; ImageOptions?: { Subpath?: string } }, at: string): void {
  const { Type: type, Source: source = '' } = mount
  const fault = targetFault(mount.Target ?? '')
  if (fault !== undefined) throw invalid(type, fault, at)
  const subpath = mount.VolumeOptions?.Subpath ?? mount.ImageOptions?.Subpath ?? ''
  if (type === 'volume' && source === '' && subpath !== '') throw invalid(type, 'must not set Subpath when using anonymous volumes', at)
  if (subpath !== '' && !isLocalPath(subpath)) throw invalid(type, 'subpath must be a relative path within the volume', at)
  if (type === 'volume' && source !== '') checkVolumeName(source, at)
  if (type === 'tmpfs' && source !== '') throw invalid(type, 'field Source must not be specified', at)
  if (type === 'image' && source === '') throw invalid(type, 'field Source must not be empty', at)
}
