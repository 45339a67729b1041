import type { Call } from '../endpoint.ts'
import { refuseAlgorithm } from '../images/names.ts'
import { platformName } from '../images/platform.ts'
import { labelPrefix } from '../names.ts'
import type { Policy } from '../policy.ts'
import { flag, text, texts, type QueryField, type QueryOf } from '../query.ts'
import { parseReference, storedReference, withDefaultTag, type Reference } from '../reference.ts'
import { forbidden, Refusal } from '../refusal.ts'
import { parseBody, textList, type ReadBy, type Type } from '../schema.ts'
import { buildQuery as verdicts } from '../schemas/build-query.ts'
import { checkUlimits, ulimits, type Ulimits } from '../schemas/ulimits.ts'
import { parseRequestJson } from '../json.ts'

/** Parameters of `POST /build` that must be unset, whose reasons the table of verdicts has. */
const unset = ['cgroupparent', 'securityopt', 'isolation', 'squash', 'cpusetcpus', 'cpusetmems', 'outputs'] as const

/** What is read of the query (Engine API, ImageBuild; engine-api.md B.8). Limits of single steps (`memory`, `cpuquota` ...) say nothing to BuildKit. */
export const buildQuery = {
  t: texts, dockerfile: text, target: text, q: flag(), nocache: flag(), pull: flag(), platform: text, version: text, remote: text,
  networkmode: text, shmsize: text, ulimits: text, labels: text, buildargs: text, extrahosts: texts, cachefrom: text, session: text, buildid: text,
  ...Object.fromEntries(unset.map((key) => [key, text])) as Record<(typeof unset)[number], QueryField<string | undefined>>,
}

export type BuildQuery = QueryOf<typeof buildQuery>

/** A build as it was asked for, judged. */
export interface Build {
  version: 1 | 2
  /** Options of the Dockerfile frontend. */
  options: Record<string, string>
  references: Reference[]
  cacheFrom: string[]
  quiet: boolean
  /** The client's BuildKit session that has the context; undefined when the context is the request's body. */
  session: string | undefined
  id: string | undefined
}

/** How clients write that they ask for nothing. */
const nothing: Readonly<Record<string, RegExp>> = { squash: /^(0|false)$/i, isolation: /^default$/, securityopt: /^(null|\[\])$/, outputs: /^(null|\[\])$/ }

function mustBeUnset(key: string, value: string | undefined): void {
  if (value === undefined || value === '' || nothing[key]?.test(value)) return
  throw forbidden({ field: key, ...verdicts[key]!.reason! })
}

/** Throws `Refusal` for what an engine refuses, and for what a namespace may not do. */
export function wantedBuild({ query, ns, policy, randomHex }: Pick<Call<BuildQuery>, 'query' | 'ns' | 'policy' | 'randomHex'>): Build {
  const version = query.version || '1'
  if (version !== '1' && version !== '2') throw new Refusal(400, `invalid version ${JSON.stringify(version.slice(0, 20))}`)
  for (const key of unset) mustBeUnset(key, query[key])
  const session = sessionOf(query)
  const buildArgs = json(query.buildargs, 'build args', nullableTexts)
  const options: Record<string, string | undefined> = {
    // BuildKit takes sources of one address for one source, whosever builds they are in: the address is never used twice.
    ...(session === undefined && { context: `http://buildkit-session/${randomHex().slice(0, 32)}` }),
    filename: query.dockerfile || undefined, target: query.target || undefined, platform: platformName(query.platform === undefined ? undefined : [query.platform], 'platform'),
    'no-cache': query.nocache ? '' : undefined, 'image-resolve-mode': query.pull ? 'pull' : undefined,
    'force-network-mode': network(query.networkmode), 'shm-size': shm(query.shmsize, policy), ulimit: limits(query.ulimits, policy),
    'add-hosts': query.extrahosts.map(host).join(',') || undefined,
    ...prefixed('build-arg:', buildArgs), ...prefixed('label:', labels(json(query.labels, 'labels', nullableTexts))),
  }
  return {
    version: version === '2' ? 2 : 1, session, id: query.buildid || undefined, quiet: query.q,
    options: Object.fromEntries(Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    references: named(query.t, ns), cacheFrom: json(query.cachefrom, 'cache-from', textList) ?? [],
  }
}

/** What CLIs without buildx do with an archive on standard input and DOCKER_BUILDKIT=1. */
const twoRequests = 'build a folder, use docker buildx, or set DOCKER_BUILDKIT=0 to send an archive by standard input'

/** `remote` stands for a context that is not in the body: only the client's own session may have it. */
function sessionOf({ remote, session, version }: BuildQuery): string | undefined {
  if (!remote) return undefined
  if (remote === 'upload-request') throw forbidden({ field: 'remote=upload-request', why: 'the context would come in another request than its build', instead: twoRequests })
  if (remote !== 'client-session') throw forbidden({ field: 'remote', ...verdicts.remote!.reason! })
  if (version !== '2' || !session) throw new Refusal(400, 'a context in the client\'s session needs version=2 and the session\'s id')
  return session
}

function named(names: readonly string[], ns: string): Reference[] {
  return names.filter((name) => name !== '').map((name) => {
    const reference = withDefaultTag(parseReference(name))
    if (reference.digest) throw new Refusal(400, 'build tag cannot contain a digest')
    refuseAlgorithm(reference)
    storedReference(ns, reference)
    return reference
  })
}

function network(mode: string | undefined): string | undefined {
  if (mode === undefined || ['', 'default', 'bridge'].includes(mode)) return undefined
  if (mode === 'none') return mode
  throw forbidden({ field: 'networkmode', ...verdicts.networkmode!.reason! })
}

function shm(size: string | undefined, { limits: { shm: most } }: Policy): string | undefined {
  if (!size || size === '0') return undefined
  if (!/^\d{1,15}$/.test(size)) throw new Refusal(400, `strconv.ParseInt: parsing ${JSON.stringify(size.slice(0, 40))}: invalid syntax`)
  if (Number(size) > most) throw forbidden({ field: 'shmsize', why: `the policy allows ${most} bytes`, instead: 'ask for less' })
  return size
}

function limits(text: string | undefined, policy: Policy): string | undefined {
  const list: Ulimits = json(text, 'ulimits', ulimits) ?? []
  checkUlimits(list, 'ulimits', policy)
  return list.map(({ Name, Soft = 0, Hard = 0 }) => `${Name}=${Soft}:${Hard}`).join(',') || undefined
}

/** `name:address` as BuildKit writes it. */
function host(entry: string): string {
  const [, name, address] = /^([a-zA-Z0-9_.-]+)[:=]\[?([0-9a-fA-F.:]+)\]?$/.exec(entry) ?? []
  if (name !== undefined) return `${name}=${address}`
  if (/[:=]host-gateway$/.test(entry)) {
    throw forbidden({ field: 'extrahosts', why: 'host-gateway is the engine\'s host, where a build has no business', instead: 'name the address you mean' })
  }
  throw new Refusal(400, `invalid host ${entry.slice(0, 100)}`)
}

function labels(given: Record<string, string> | undefined): Record<string, string> | undefined {
  const own = Object.keys(given ?? {}).find((key) => key.startsWith(labelPrefix))
  if (own === undefined) return given
  throw forbidden({ field: 'labels', why: `labels starting with ${labelPrefix} are the gateway's own`, instead: 'choose another label' })
}

function prefixed(prefix: string, values: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [prefix + key, value]))
}

/** A map of texts; a null is no value, as of build arguments that the client's environment does not have. */
const nullableTexts: Type<Record<string, string>> = {
  go: 'map[string]string',
  get zero() { return {} },
  read(value, at) {
    const entries = Object.entries(parseMap(value, at))
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null))
  },
}

function parseMap(value: unknown, at: string): Record<string, string | null> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal(400, `${at} is not a JSON object`)
  for (const [key, item] of Object.entries(value)) {
    if (item !== null && typeof item !== 'string') throw new Refusal(400, `${key.slice(0, 100)} is not a text`)
    if (key === '' || /[\0=]/.test(key)) throw new Refusal(400, `${JSON.stringify(key.slice(0, 100))} is not a name`)
  }
  return value as Record<string, string | null>
}

function json<S extends Type<any>>(text: string | undefined, what: string, schema: S): ReadBy<S> | undefined {
  if (!text) return undefined
  try {
    const value = parseRequestJson(new TextEncoder().encode(text))
    return value === null ? undefined : parseBody(schema, value, what)
  } catch (error) {
    throw error instanceof Refusal && error.status === 400 ? new Refusal(400, `error reading ${what}: ${error.message.replace(/^invalid JSON: /, '')}`) : error
  }
}
