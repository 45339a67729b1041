import { notAllowed } from './refusals.ts'
import { scopedId, type Scope } from './scope.ts'
import { permitSource, type Sources } from './sources.ts'

type Verdict = 'pass' | 'drop' | ((value: string, key: string, world: World) => string | undefined)

interface World {
  scope: Scope
  sources: Sources
}

const refuse = (why: string, instead: string): Verdict => (_value, key) => { throw notAllowed(`the build option ${key}`, why, instead) }

/**
 * Every option of the Dockerfile frontend that clients send, with what becomes of it (moby/buildkit, frontend/dockerui/config.go).
 * A key that ends in `:` or `_` stands for all that start so; the longest match counts. An unknown one is refused.
 */
const verdicts: Readonly<Record<string, Verdict>> = {
  'filename': 'pass', 'target': 'pass', 'platform': 'pass', 'no-cache': 'pass', 'dockerfilekey': 'pass', 'contextkey': 'pass', 'contextsubdir': 'pass',
  'shm-size': 'pass', 'ulimit': 'pass', 'hostname': 'pass', 'multi-platform': 'pass', 'requestid': 'pass', 'frontend.caps': 'pass',
  'build-arg:': 'pass', 'label:': 'pass', 'input-metadata:': 'pass', 'vcs:': 'pass', 'attest:provenance': 'pass',
  // Only names in /etc/hosts of the step; what a layer was made with stays in the trust domain.
  'add-hosts': 'pass',
  'context': remote, 'context:': context,
  'local-sessionid:': (value, _key, { scope }) => scopedId(scope.ns, value),
  'force-network-mode': network,
  'cache-imports': 'pass', 'cache-from': 'pass',
  'attest:sbom': refuse('its generator is an image that runs outside of the namespace', 'build with --sbom=false and scan the image in a container'),
  'build-arg:BUILDKIT_ATTEST_': attestation,
  'device': refuse('it belongs to the engine\'s host', 'run without'),
  // Forced below.
  'image-resolve-mode': 'drop', 'cgroup-parent': 'drop', 'build-arg:BUILDKIT_CACHE_MOUNT_NS': 'drop', 'cmdline': 'drop',
  // Other frontends run inside the engine, where the gateway cannot see what they do; the built-in one reads any Dockerfile.
  'source': 'drop', 'gateway-devel': 'drop', 'build-arg:BUILDKIT_SYNTAX': 'drop', 'override-copy-image': 'drop', 'debug': 'drop', 'build-arg:BUILDKIT_DISABLE_FILEOP': 'drop',
}

/** Options that a client sent, judged and made the namespace's. Throws `Refusal` 403 naming the option that is not allowed. */
export function judgeOptions(options: Readonly<Record<string, string>>, scope: Scope, sources: Sources): Record<string, string> {
  const kept = Object.entries(options).map(([key, value]) => [key, judged(key, value, { scope, sources })] as const)
  return { ...Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined)), ...forced(scope) }
}

/** What the engine gets of an option, undefined for nothing. */
function judged(key: string, value: string, world: World): string | undefined {
  const verdict = verdictOf(key)
  if (verdict === undefined) throw notAllowed(`the build option ${key.slice(0, 100)}`, 'this gateway does not know what it does', 'leave it out, or use a newer gateway')
  if (typeof verdict === 'function') return verdict(value, key, world)
  return verdict === 'pass' ? value : undefined
}

/** What every build has, whatever its client says. */
function forced({ group, cache }: Scope): Record<string, string> {
  return {
    'cgroup-parent': group, 'build-arg:BUILDKIT_CACHE_MOUNT_NS': cache, 'image-resolve-mode': 'pull',
    // Its presence keeps the frontend from looking for a `# syntax` line.
    cmdline: 'moorage',
  }
}

function verdictOf(key: string): Verdict | undefined {
  if (Object.hasOwn(verdicts, key)) return verdicts[key]
  const prefixes = Object.keys(verdicts).filter((known) => /[:_]$/.test(known) && key.startsWith(known))
  return verdicts[prefixes.toSorted((a, b) => b.length - a.length)[0] ?? '']
}

function network(value: string): string {
  if (value === 'host') throw notAllowed('network mode host in builds', 'it reaches what is private to the engine\'s host', 'use the default network')
  return value
}

/** The same as `attest:` in the form of a build argument, in upper case or lower (moby/buildkit, frontend/attestations/parse.go). */
function attestation(value: string, key: string, world: World): string | undefined {
  const name = `attest:${key.slice('build-arg:BUILDKIT_ATTEST_'.length).toLowerCase()}`
  return judged(name, value, world) === undefined ? undefined : value
}

/** The build context: an upload by the client, or something the engine fetches. */
function remote(value: string, key: string, { sources }: World): string {
  const fetched = /^(https?:|git:|git@|ssh:|github\.com\/)/.test(value)
  if (fetched) {
    permitSource(value.replace(/^(git@|ssh:.*|github\.com\/)/, 'git://'), sources, {
      field: `the remote ${key === 'context' ? 'build context' : key}`, why: 'the engine would fetch it from its own network', instead: 'clone or download it in the job and build from there',
    })
  }
  return value
}

/** A named context: images that are the namespace's own come from the engine, see contexts.ts. */
function context(value: string, key: string, world: World): string {
  return remote(value, key, world)
}
