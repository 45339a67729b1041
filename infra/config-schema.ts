import * as v from 'valibot'
import type { Check } from '../lib/admission.ts'
import { engineUrl, hostName } from '../lib/host-record.ts'
import { ruleSchema } from '../lib/openers/rules.ts'
import { policySchema } from '../lib/policy.ts'
import { parseRange } from '../lib/ports.ts'

/** How a setting can be given besides the config file. */
type Ways = {
  /** Long flag without dashes. */
  flag: string
  /** What the flag's value is called in help. */
  value: string
  env: string
  comment: string
}

/** A setting that has a flag and an environment variable. */
export type Setting = Ways & {
  /** Its keys in the config file. */
  path: string[]
  /** Takes several values: the flag repeats, the environment variable is split at commas. */
  list: boolean
  default: unknown
}

const ways = <TInput>(given: Ways) => v.metadata<TInput, Ways>(given)
const text = v.pipe(v.string(), v.check((given) => given !== '', 'expected a text that is not empty'))

const address = v.pipe(
  v.string(),
  v.check((given) => parseAddress(given) !== undefined,
    'expected HOST:PORT with a port up to 65535, such as 127.0.0.1:2376, [::1]:2376 or 0.0.0.0:0'),
  ways({ flag: 'listen', value: 'HOST:PORT', env: 'MOORAGE_LISTEN', comment: 'where the gateway listens; port 0 takes a free one' }),
  v.transform((given) => parseAddress(given)!),
)

const onlyEngine = v.pipe(engineUrl, ways({ flag: 'host', value: 'URL', env: 'MOORAGE_HOST', comment: 'the Docker engine jobs run on' }))

const tlsFile = (flag: string, env: string, comment: string) => v.optional(v.pipe(text, ways({ flag, value: 'FILE', env, comment })))

const storeUrl = v.pipe(
  v.string(),
  v.check((given) => /^rediss?(\+sentinel|\+cluster)?:\/\/./.test(given),
    'expected redis://HOST:PORT, rediss://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/GROUP or redis+cluster://HOST:PORT,HOST:PORT'),
  ways({ flag: 'store', value: 'URL', env: 'MOORAGE_STORE', comment: 'the Redis that several gateways share; without it the store is a file of the state directory' }),
)

const verdict = (about: string) => v.pipe(v.picklist(['refuse', 'warn', 'ignore']), v.description(about))
const factor = v.pipe(v.number(), v.minValue(0.01))
const seconds = v.pipe(v.number(), v.minValue(0.1))

/** One engine of the pool. */
const hostEntry = v.strictObject({
  name: v.pipe(hostName, v.description('What the farm calls it, for ever: namespaces remember it.')),
  url: v.pipe(engineUrl, v.description('Where its engine is reached: unix:///PATH, tcp://HOST:PORT, https://HOST:PORT or ssh://USER@HOST.')),
  tls: v.optional(v.pipe(
    v.strictObject({
      ca: v.optional(v.pipe(text, v.description('Of the authority that signed the engine\'s certificate.'))),
      cert: v.optional(v.pipe(text, v.description('The certificate the engine knows gateways by.'))),
      key: v.optional(v.pipe(text, v.description('That certificate\'s key.'))),
    }), v.description('PEM files for TLS towards an engine at tcp:// or https://.'),
  )),
  memory: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Bytes of memory that namespaces may reserve on it. Absent: what the engine has, times `overcommit.memory`.'))),
  cpus: v.optional(v.pipe(v.number(), v.minValue(0.01), v.description('Cores that namespaces may reserve on it. Absent: what the engine has, times `overcommit.cpus`.'))),
})

const issuerUrl = v.pipe(v.string(), v.check((given) => {
  const url = URL.parse(given)
  return url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)))
}, 'expected an https:// URL'))

/** A CI system whose OIDC tokens open namespaces. */
export const issuerEntry = v.strictObject({
  issuer: v.pipe(issuerUrl, v.description('As the claim `iss` says it, to the letter.')),
  audience: v.pipe(v.array(text), v.minLength(1, 'expected at least one audience'), v.description('What the claim `aud` must hold one of: the URL of this gateway, for a start.')),
  algorithms: v.optional(v.pipe(
    v.array(v.picklist(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])), v.minLength(1), v.description('What a token may be signed with.'),
  ), ['RS256', 'ES256']),
  jwks: v.optional(v.pipe(issuerUrl, v.description('Where its keys are. Absent: found by its discovery document.'))),
  rules: v.pipe(v.array(ruleSchema), v.description('The first that matches a token says what it may open; none: nothing.')),
})

export type Issuer = v.InferOutput<typeof issuerEntry>

/** How many times what an engine has may be reserved on it. */
export const overcommitEntry = v.strictObject({
  memory: v.optional(v.pipe(factor, v.description('How many times the memory that an engine has may be reserved on a host that does not say its own.')), 1),
  cpus: v.optional(v.pipe(factor, v.description('The same for cores, which can be shared where memory cannot.')), 4),
})

/** Every setting once: its type, flag, environment variable, default and what it is for. Relative paths start at the working directory. */
export const configSchema = v.strictObject({
  listen: v.optional(address, '127.0.0.1:2376'),
  host: v.optional(v.pipe(onlyEngine, v.description('For a gateway with one; `unix:///var/run/docker.sock` when there are no `hosts` either.'))),
  hostTls: v.optional(v.strictObject({
    ca: tlsFile('host-ca', 'MOORAGE_HOST_CA', 'PEM file of the authority that signed the engine\'s certificate'),
    cert: tlsFile('host-cert', 'MOORAGE_HOST_CERT', 'PEM file of the certificate the engine knows the gateway by'),
    key: tlsFile('host-key', 'MOORAGE_HOST_KEY', 'PEM file of that certificate\'s key'),
  }), {}),
  hosts: v.optional(v.pipe(
    v.array(hostEntry), v.check((hosts) => new Set(hosts.map(({ name }) => name)).size === hosts.length, 'expected every host to have a name of its own'),
    v.description('Several engines, instead of `host`; more come and go by `moorage hosts`.'),
  )),
  store: v.optional(storeUrl),
  admission: v.optional(v.pipe(v.strictObject({
    version: v.optional(verdict('An engine older than 20.10.'), 'refuse'),
    icc: v.optional(verdict('Containers on the default bridge, where build steps run, reach each other.'), 'warn'),
    entitlements: v.optional(verdict('Builds could be given the host\'s network. Asked by a build that cannot succeed; the gateway refuses it to builds in any case.'), 'ignore'),
    pools: v.optional(verdict('Address pools for too few networks.'), 'warn'),
  } satisfies Record<Check, unknown>), v.description('What becomes of a host that lacks something: it takes no namespaces (refuse), the operator is told (warn), or nothing (ignore).')), {}),
  overcommit: v.optional(overcommitEntry, {}),
  probe: v.optional(v.strictObject({
    every: v.optional(v.pipe(seconds, v.description('Seconds between real calls to each host.')), 5),
    patience: v.optional(v.pipe(seconds, v.description('Seconds after which a host that has not answered counts as away.')), 20),
  }), {}),
  orphanGrace: v.optional(v.pipe(v.number(), v.minValue(0), v.description('Seconds for which objects of namespaces the store does not know, nor remembers as closed lately, are left alone; time to bring a lost store back.')), 3600),
  drain: v.optional(v.pipe(v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))]), v.minValue(0), ways({
    flag: 'drain', value: 'SECONDS', env: 'MOORAGE_DRAIN', comment: 'how long a gateway that is stopped lets calls and streams finish',
  })), 10),
  state: v.optional(v.pipe(
    text, ways({ flag: 'state', value: 'DIR', env: 'MOORAGE_STATE', comment: 'directory of keys, token and store' }),
    v.description('Absent: `moorage` in `$XDG_STATE_HOME` or `~/.local/state`.'),
  )),
  policies: v.optional(v.pipe(v.record(
    v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a policy name of lower-case letters, digits and dashes')),
    policySchema,
  ), v.description('Classes of namespaces by name; `default` and the other presets are there even when they are not written.')), {}),
  oidc: v.optional(v.pipe(
    v.array(issuerEntry), v.check((issuers) => new Set(issuers.map(({ issuer }) => issuer)).size === issuers.length, 'expected every issuer once'),
    v.description('CI systems whose tokens open namespaces.'),
  ), []),
  images: v.optional(v.strictObject({
    shared: v.optional(v.pipe(v.array(text), ways({
      flag: 'shared-image', value: 'REFERENCE', env: 'MOORAGE_SHARED_IMAGES', comment: 'image every namespace sees, read-only',
    })), []),
  }), {}),
  ports: v.optional(v.strictObject({
    range: v.optional(v.pipe(
      v.string(),
      v.check((given) => parseRange(given) !== undefined, 'expected a range of ports such as 40000-49999'),
      ways({ flag: 'port-range', value: 'FIRST-LAST', env: 'MOORAGE_PORT_RANGE', comment: 'ports of the gateway that jobs reach their published ports at' }),
      v.transform((given) => parseRange(given)!),
    ), '40000-49999'),
    address: v.optional(v.pipe(v.string(), v.check((given) => isIP(given), 'expected an IP address'), ways({
      flag: 'port-address', value: 'ADDRESS', env: 'MOORAGE_PORT_ADDRESS', comment: 'address these listen on; that of --listen when not given',
    }))),
    reach: v.optional(v.pipe(v.string(), v.check((given) => ['loopback', 'address', 'none'].includes(given) || isIP(given), 'expected loopback, address, none or an IP address of the engine\'s host'), ways({
      flag: 'port-reach', value: 'HOW', env: 'MOORAGE_PORT_REACH',
      comment: 'where engines publish ports: loopback (the gateway is on their machine), address (that of the engine\'s URL), an IP address, or none',
    })), 'loopback'),
  }), {}),
  controlGroups: v.optional(v.pipe(v.picklist(['required', 'best-effort', 'off']), ways({
    flag: 'control-groups', value: 'MODE', env: 'MOORAGE_CONTROL_GROUPS', comment: 'limit namespaces as a whole: required, best-effort or off',
  }), v.description(
    'One control group for all containers of a namespace, made on the engine\'s host by a container of some milliseconds. `required`: no containers where '
    + 'that is impossible (a rootless engine); `best-effort`: then limits hold for each container alone; `off`: always so.',
  )), 'best-effort'),
  jobSockets: v.optional(v.pipe(text, ways({
    flag: 'job-sockets', value: 'DIR', env: 'MOORAGE_JOB_SOCKETS', comment: 'directory that gateway and engine share, for containers that want the docker socket (Ryuk)',
  }), v.description('Such containers find the API of their own namespace there. Absent: they are refused.'))),
  names: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9.*:-]+$/, 'expected a DNS name or an IP address'))), ways({
    flag: 'name', value: 'HOST', env: 'MOORAGE_NAMES', comment: 'further name or address clients reach the gateway by',
  })), []),
  audit: v.optional(v.strictObject({
    file: v.pipe(
      text, ways({ flag: 'audit', value: 'FILE', env: 'MOORAGE_AUDIT', comment: 'file the audit stream is appended to, - for standard output' }),
      v.description('A JSON line for each call that changed something or was refused. Absent: none is written.'),
    ),
    reads: v.optional(v.pipe(v.boolean(), v.description('Calls that only read, too.')), false),
  })),
  log: v.optional(v.pipe(v.picklist(['trace', 'debug', 'info', 'warn', 'error', 'silent']), ways({
    flag: 'log', value: 'LEVEL', env: 'MOORAGE_LOG', comment: 'trace, debug, info, warn, error or silent',
  })), 'info'),
  logFormat: v.optional(v.pipe(v.picklist(['text', 'json']), ways({
    flag: 'log-format', value: 'FORMAT', env: 'MOORAGE_LOG_FORMAT', comment: 'text or json, one object a line, on standard error',
  })), 'text'),
})

/** The settings that have flags, in the order of the schema. */
export const settings: readonly Setting[] = collect(configSchema, [])

/** The keys that may stand at a place of the config file, or none when anything may. */
export function knownKeys(path: readonly string[]): string[] {
  const schema = path.reduce<AnySchema | undefined>((at, key) => {
    const inside = at && unwrap(at)
    return inside?.entries?.[key] ?? inside?.value ?? inside?.item
  }, configSchema)
  return Object.keys((schema && unwrap(schema).entries) ?? {})
}

/** What the schemas used above have in common, as data. */
type AnySchema = v.GenericSchema & {
  entries?: Record<string, AnySchema>
  wrapped?: AnySchema
  value?: AnySchema
  item?: AnySchema
  default?: unknown
}

function unwrap(schema: AnySchema): AnySchema {
  return schema.wrapped ? unwrap(schema.wrapped) : schema
}

function collect(schema: AnySchema, path: string[]): Setting[] {
  const inside = unwrap(schema)
  const given = v.getMetadata(inside) as Partial<Ways>
  if (given.flag) return [{ ...(given as Ways), path, list: inside.type === 'array', default: schema.default }]
  return Object.entries(inside.entries ?? {}).flatMap(([key, entry]) => collect(entry, [...path, key]))
}

function parseAddress(given: string): { host: string, port: number } | undefined {
  const parts = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]/\s]+)):(?<port>\d{1,5})$/.exec(given)?.groups
  const port = Number(parts?.['port'])
  return parts && port <= 65535 ? { host: String(parts['six'] ?? parts['name']), port } : undefined
}

function isIP(given: string): boolean {
  return v.is(v.pipe(v.string(), v.ip()), given)
}
