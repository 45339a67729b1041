import { create } from '@bufbuild/protobuf'
import type { Call } from '../endpoint.ts'
import type { GrpcChannel } from '../grpc.ts'
import { bridgeOf, unary } from './bridge.ts'
import type { ReadConfig } from './contexts.ts'
import { SolveRequestSchema, SolveResponseSchema } from './proto/control_pb.ts'
import { ResolveImageConfigRequestSchema, ReturnRequestSchema } from './proto/gateway_pb.ts'
import { ownBuild } from './large-errors.ts'
import type { LocalImage } from './sources.ts'

/**
 * Reads configs of images that the engine has. No endpoint of the Engine API tells the config as it is stored, but BuildKit does: in an
 * internal build of the gateway's own, which holds nothing else. A config never changes, so the host remembers it.
 */
export function readConfigs(call: Pick<Call, 'host' | 'ns' | 'randomHex'>): ReadConfig {
  return (image) => call.host.config(image.id, () => inOwnBuild(call, image))
}

async function inOwnBuild({ host, ns, randomHex }: Pick<Call, 'host' | 'ns' | 'randomHex'>, { stored }: LocalImage): Promise<Uint8Array | undefined> {
  const channel = await host.channel()
  try {
    return await ask(channel, `${ns}.${ownBuild}${randomHex().slice(0, 32)}`, stored)
  } catch {
    return undefined
  } finally {
    channel.close()
  }
}

async function ask(channel: GrpcChannel, ref: string, stored: string): Promise<Uint8Array> {
  const build = unary(channel, { method: 'moby.buildkit.v1.Control/Solve', metadata: {}, signal: channel.closed }, SolveRequestSchema,
    create(SolveRequestSchema, { Ref: ref, Internal: true }), SolveResponseSchema)
  // Told by the call that fails first.
  build.catch(() => {})
  const bridge = bridgeOf(channel, ref, channel.closed)
  const { Config } = await bridge.config(create(ResolveImageConfigRequestSchema, { Ref: stored, ResolveMode: 'local' }))
  await bridge.finish(create(ReturnRequestSchema, { result: {} }))
  await build
  return Config
}
