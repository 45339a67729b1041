/** The body of `POST /containers/{id}/update` (Engine API, ContainerUpdate). */
import type { Policy } from '../policy.ts'
import { drop, flag, pass, type ReadBy, struct } from '../schema.ts'
import { checkCpuQuota, resourceEntries } from './resources.ts'
import { restartPolicy } from './restart-policy.ts'

export function containerUpdateSchema(policy: Policy) {
  return struct('container.UpdateConfig', {
    ...resourceEntries(policy),
    RestartPolicy: pass(restartPolicy),
    // Once part of Resources; updates have never changed it.
    Init: drop(flag),
  }, { after: (read, at) => checkCpuQuota(read, at, policy) })
}

export type ContainerUpdate = ReadBy<ReturnType<typeof containerUpdateSchema>>
