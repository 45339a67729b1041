/** The body of `POST /networks/create` (Engine API, NetworkCreate). */
import { forbidden, Refusal } from '../refusal.ts'
import { allow, anything, drop, flag, force, pass, quota, type ReadBy, rewrite, struct, text, textMap } from '../schema.ts'
import { ipamSchema } from './ipam.ts'
import { labels } from './labels.ts'
import { checkNetworkName } from './names.ts'

const swarm = { why: 'there is no swarm here', instead: 'leave it out' }
const shared = { why: 'network configurations are shared by everybody on the engine', instead: 'give the network its own IPAM and Options' }

const bridge = 'com.docker.network.bridge'

/** What each option may be. Others name interfaces or addresses of the host, or open ports past it. */
const options: Record<string, RegExp> = {
  'com.docker.network.driver.mtu': /^(6[89]|[7-9]\d|[1-9]\d{2,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
  [`${bridge}.enable_icc`]: /^(true|false)$/i,
  [`${bridge}.enable_ip_masquerade`]: /^true$/i,
}

function checkOptions(given: Record<string, string>, at: string): void {
  for (const [name, value] of Object.entries(given)) {
    const fits = Object.hasOwn(options, name) ? options[name] : undefined
    if (fits?.test(value)) continue
    throw forbidden({
      field: at,
      why: `${name.slice(0, 100)}=${value.slice(0, 100)} would change interfaces, addresses or ports of the engine's host`,
      instead: `the options that can be set are com.docker.network.driver.mtu, ${bridge}.enable_icc and ${bridge}.enable_ip_masquerade=true`,
    })
  }
}

function checkDriver(driver: string, at: string): void {
  if (driver === '' || driver === 'bridge') return
  throw forbidden({ field: at, why: `the driver ${JSON.stringify(driver.slice(0, 60))} is not a network inside the engine's host`, instead: 'use the driver "bridge"' })
}

/** `denied`: subnets that jobs cannot have, because the hosts' own networks are there. */
export function networkCreateSchema(denied: readonly string[] = []) {
  return struct('network.CreateRequest', {
    Name: rewrite(text, (name) => void checkNetworkName(name)),
    Driver: allow(text, checkDriver),
    Scope: force(text, swarm, (scope) => scope === '' || scope === 'local'),
    EnableIPv4: pass(flag),
    EnableIPv6: pass(flag),
    IPAM: quota(ipamSchema(denied), () => undefined),
    Internal: pass(flag),
    Attachable: pass(flag),
    Ingress: force(flag, swarm),
    ConfigOnly: force(flag, shared),
    ConfigFrom: force(anything, shared),
    Options: allow(textMap, checkOptions),
    Labels: rewrite(labels),
    // Clients of old API versions send it; networks have been unique by name ever since.
    CheckDuplicate: drop(flag),
  }, {
    after({ Name: name }) {
      if (name === undefined) throw new Refusal(400, 'invalid name: name is empty', 'Name')
    },
  })
}

export type NetworkCreate = ReadBy<ReturnType<typeof networkCreateSchema>>
