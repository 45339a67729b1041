import { at } from '../../lib/engine-path.ts'
import type { EngineRequest, Host } from '../../lib/engine.ts'
import type { GrpcChannel, GrpcSender } from '../../lib/grpc.ts'
import { Refusal } from '../../lib/refusal.ts'
import { grpcChannel } from '../grpc/channel.ts'
import { budget, messageLimit } from '../grpc/frames.ts'
import { serveGrpc, type OnDefect } from '../grpc/serve.ts'
import type { EngineClient } from './client.ts'
import { upgradeEngine } from './upgrade.ts'

/** Calls of an engine on a session of the gateway's at one time. */
const maxCalls = 1000

/** The two ways to an engine's BuildKit: calling it, and being called by it. `onDefect` hears what was thrown in calls of the engine that is no answer. */
export function buildkitOf(client: Pick<EngineClient, 'connect'>, name: string, onDefect: OnDefect): Pick<Host, 'channel' | 'session'> {
  async function upgraded(request: EngineRequest, signal: AbortSignal) {
    const opened = await upgradeEngine(client, request, signal, name)
    if ('text' in opened) throw new Refusal(opened.status, `host ${name} does not serve BuildKit: ${opened.text.trim()}`)
    return opened.socket
  }
  return {
    async channel(): Promise<GrpcChannel> {
      return grpcChannel(await upgraded({ method: 'POST', path: at`/grpc`, upgrade: 'h2c' }, new AbortController().signal), 'engine')
    },
    async session(headers, service: GrpcSender, signal) {
      const socket = await upgraded({ method: 'POST', path: at`/session`, upgrade: 'h2c', headers }, signal)
      const serving = serveGrpc(socket, service, { calls: budget(maxCalls), held: budget(4 * messageLimit), unsent: budget(4 * messageLimit) }, onDefect)
      signal.addEventListener('abort', () => serving.close(), { once: true })
      if (signal.aborted) serving.close()
      return { ended: serving.ended }
    },
  }
}
