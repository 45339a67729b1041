import { at } from '../../lib/engine-path.ts'
import type { Host, HostFacts } from '../../lib/engine.ts'
import { compareVersions } from '../../lib/go.ts'
import { parseAnswer } from '../../lib/json.ts'

/** Newest and oldest API versions this gateway has schemas for. */
const spokenVersions = { newest: '1.51', oldest: '1.24' } as const

/** Asks an engine what it is. Throws when it does not answer with 200. */
export async function probe(client: Pick<Host, 'call'>, signal?: AbortSignal): Promise<HostFacts> {
  const [version, info] = await Promise.all([at`/version`, at`/info`].map(async (path) => {
    const answer = await client.call({ method: 'GET', path }, signal)
    if (answer.status !== 200) throw new Error(`it answers ${answer.status} to GET ${path}: ${answer.text.trim().slice(0, 200)}`)
    return parseAnswer(answer.text) as Record<string, unknown>
  }))
  const [toldAt, heard] = [Date.parse(String(info!.SystemTime)), performance.now()]
  const engineApi = String(version!.ApiVersion)
  const oldest = String(version!.MinAPIVersion ?? spokenVersions.oldest)
  return {
    engineVersion: String(version!.Version).replace(/\+.*$/, ''),
    apiVersion: compareVersions(engineApi, spokenVersions.newest) > 0 ? spokenVersions.newest : engineApi,
    minApiVersion: compareVersions(oldest, spokenVersions.oldest) < 0 ? spokenVersions.oldest : oldest,
    version: version!,
    info: info!,
    // By a clock that never jumps, as the gateway's own time of day is another one.
    now: () => toldAt + performance.now() - heard,
  }
}
