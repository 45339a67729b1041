import { Refusal } from '../../lib/refusal.ts'
import type { HostConfig } from '../config.ts'
import type { LiveHost } from './host.ts'

/** The engines of this gateway, by name. */
export interface HostPool {
  /** Throws `Refusal` 503 when no host has this name. */
  get(name: string): LiveHost
  all(): LiveHost[]
  /** Any host that is up, or else any: for what every host would say alike. Throws `Refusal` 503 when there is none. */
  any(): LiveHost
  stop(): Promise<void>
}

/** Connects to these engines. */
export function hostPool(configs: readonly HostConfig[], connect: (config: HostConfig) => LiveHost): HostPool {
  const hosts = new Map(configs.map((config) => [config.name, connect(config)]))
  const all = () => [...hosts.values()]
  return {
    all,
    get: (name) => hosts.get(name) ?? raise(new Refusal(503, `host ${name} is not in this gateway's pool; ask the operator to add it again`)),
    any: () => all().find((host) => host.up()) ?? all()[0] ?? raise(new Refusal(503, 'this gateway has no hosts; ask the operator to add one')),
    async stop() {
      await Promise.all(all().map((host) => host.stop()))
    },
  }
}

function raise(refusal: Refusal): never {
  throw refusal
}
