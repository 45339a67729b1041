/** `Config` (Engine API, ContainerConfig): what a container runs. Part of container create and commit. */
import type { Policy } from '../policy.ts'
import { Refusal } from '../refusal.ts'
import { flag, int, pass, quota, rewrite, setOf, text, textLike, textList, textOrList, type Check } from '../schema.ts'
import { macAddress } from './addresses.ts'
import { healthcheck } from './healthcheck.ts'
import { labels } from './labels.ts'
import { checkExposedCount, exposedPorts } from './ports.ts'

/** Labels of RFC 1123, and underscores, which the engine allows; the kernel keeps 64 bytes. */
const hostname = textLike(
  (name) => /^[a-z0-9_]([a-z0-9_.-]{0,62})$/i.test(name),
  (name) => `${JSON.stringify(name.slice(0, 100))} is not a host name; use letters, digits, '-', '_' and '.', at most 63 of them`)

const environment: Check<string[]> = (variables, at) => {
  const nameless = variables.find((variable) => variable === '' || variable.startsWith('='))
  if (nameless !== undefined) throw new Refusal(400, `invalid environment variable: ${nameless.slice(0, 100)}`, at)
}

const workingDir: Check<string> = (path, at) => {
  if (path !== '' && !path.startsWith('/')) throw new Refusal(400, `the working directory '${path}' is invalid, it needs to be an absolute path`, at)
}

/** Paths in the container, each of them a volume without a name. */
const volumes = setOf((path, at) => {
  if (!path.startsWith('/')) throw new Refusal(400, `invalid volume specification: '${path}': a volume of Volumes is an absolute path in the container`, at)
})

/** The fields of Config, to be spread into the structs that have them. */
export function configEntries(policy: Policy) {
  return {
    Hostname: pass(hostname),
    Domainname: pass(hostname),
    User: pass(text),
    AttachStdin: pass(flag),
    AttachStdout: pass(flag),
    AttachStderr: pass(flag),
    ExposedPorts: quota(exposedPorts, (ports, at) => checkExposedCount(ports, at, policy)),
    Tty: pass(flag),
    OpenStdin: pass(flag),
    StdinOnce: pass(flag),
    Env: pass(textList, environment),
    Cmd: pass(textOrList),
    Healthcheck: pass(healthcheck),
    ArgsEscaped: pass(flag),
    Image: rewrite(text),
    Volumes: rewrite(volumes),
    WorkingDir: pass(text, workingDir),
    Entrypoint: pass(textOrList),
    NetworkDisabled: pass(flag),
    MacAddress: pass(macAddress),
    OnBuild: pass(textList),
    Labels: rewrite(labels),
    StopSignal: pass(text),
    StopTimeout: pass(int),
    Shell: pass(textOrList),
  }
}
