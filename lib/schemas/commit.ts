/** The body of `POST /commit` (Engine API, ImageCommit): a Config, or nothing. */
import type { Policy } from '../policy.ts'
import { anything, drop, type ReadBy, struct } from '../schema.ts'
import { configEntries } from './config.ts'

/** The query, which dockerode and docker-java send in the body as well; the engine ignores it there. */
const clientOptions = Object.fromEntries(
  ['container', 'containerId', 'repo', 'repository', 'tag', 'comment', 'message', 'author', 'pause', 'changes'].map((name) => [name, drop(anything)]))

export function commitSchema(policy: Policy) {
  return struct('container.Config', {
    ...configEntries(policy),
    // Older engines read them here, check them and then ignore them.
    HostConfig: drop(anything),
    NetworkingConfig: drop(anything),
    ...clientOptions,
  })
}

export type Commit = ReadBy<ReturnType<typeof commitSchema>>
