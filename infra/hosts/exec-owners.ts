import { at } from '../../lib/engine-path.ts'
import type { Host } from '../../lib/engine.ts'
import { parseAnswer } from '../../lib/json.ts'

/** Execs remembered per gateway; an older one costs one more call to the engine. */
const kept = 10_000

/** Which container an exec runs in. The engine knows; what it said once never changes. */
export function execOwners(client: Pick<Host, 'call'>): { of(exec: string): Promise<string | undefined>; learn(exec: string, container: string): void } {
  const containers = new Map<string, string>()
  const learn = (exec: string, container: string) => {
    if (containers.size >= kept) containers.delete(containers.keys().next().value!)
    containers.set(exec, container)
  }
  return {
    learn,
    async of(exec) {
      const known = containers.get(exec)
      if (known !== undefined) return known
      const answer = await client.call({ method: 'GET', path: at`/exec/${exec}/json` })
      if (answer.status !== 200) return undefined
      const { ContainerID } = parseAnswer(answer.text) as { ContainerID: string }
      learn(exec, ContainerID)
      return ContainerID
    },
  }
}
