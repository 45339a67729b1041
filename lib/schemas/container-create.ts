/** The body of `POST /containers/create` (Engine API, ContainerCreate). */
import type { Policy } from '../policy.ts'
import { Refusal } from '../refusal.ts'
import { anything, drop, type ReadBy, rewrite, struct } from '../schema.ts'
import { configEntries } from './config.ts'
import { networkingConfig } from './endpoint-settings.ts'
import { type EngineFacts, hostConfigSchema } from './host-config.ts'

/** What API 1.14 and older had beside the config, and what clients kept on sending; engines since 23 ignore it. */
const formerFields = Object.fromEntries(['Cpuset', 'CpuShares', 'Dns', 'KernelMemory', 'Memory', 'MemoryReservation', 'MemorySwap', 'PortSpecs', 'VolumesFrom'].map((name) => [name, drop(anything)]))

/** Options that dockerode (which sends its query in the body too), docker-java and docker-py put into the body; the engine ignores them there. */
const clientOptions = { name: drop(anything), platform: drop(anything), authConfig: drop(anything), Runtime: drop(anything) }

/**
 * The schema for one policy and engine; build it once for both. What it reads has the engine's own shape: the pipeline replaces the
 * references in the fields with the verdict `rewrite` and fills in limits with `forcedResources`.
 */
export function containerCreateSchema(policy: Policy, facts: EngineFacts = {}) {
  const config = configEntries(policy)
  return struct('container.CreateRequest', {
    ...config,
    HostConfig: rewrite(hostConfigSchema(policy, facts)),
    NetworkingConfig: rewrite(networkingConfig),
    ...clientOptions,
    ...formerFields,
  }, {
    before(values) {
      const isEmpty = Object.keys(config).every((name) => (values.get(name) ?? undefined) === undefined)
      if (isEmpty) throw new Refusal(400, 'config cannot be empty in order to create a container')
    },
  })
}

export type ContainerCreate = ReadBy<ReturnType<typeof containerCreateSchema>>
