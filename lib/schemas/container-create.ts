/** The body of `POST /containers/create` (Engine API, ContainerCreate). */
import type { Policy } from '../policy.ts'
import { Refusal } from '../refusal.ts'
import { anything, drop, type ReadBy, rewrite, struct } from '../schema.ts'
import { configEntries } from './config.ts'
import { networkingConfig } from './endpoint-settings.ts'
import { type EngineFacts, hostConfigSchema } from './host-config.ts'

/** Options that dockerode (which sends its query in the body too) and docker-java put into the body; the engine ignores them. */
const clientOptions = { name: drop(anything), platform: drop(anything), authConfig: drop(anything) }

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
  }, {
    before(values) {
      const isEmpty = Object.keys(config).every((name) => (values.get(name) ?? undefined) === undefined)
      if (isEmpty) throw new Refusal(400, 'config cannot be empty in order to create a container')
    },
  })
}

export type ContainerCreate = ReadBy<ReturnType<typeof containerCreateSchema>>
