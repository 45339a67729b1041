import { create } from '@bufbuild/protobuf'
import { GrpcError } from '../grpc.ts'
import { bridgeOf, type Bridge } from './bridge.ts'
import { openContext } from './classic-context.ts'
import { addOwnImages } from './frontend-solve.ts'
import { parseError } from './large-errors.ts'
import { readAnswer } from './messages.ts'
import type { BuildWorld } from './method.ts'
import { SolveRequestSchema as ControlRequestSchema, type SolveRequest as ControlRequest, type SolveResponse } from './proto/control_pb.ts'
import { asGrpc } from './refusals.ts'
import { ReturnRequestSchema, SolveRequestSchema, type SolveRequest } from './proto/gateway_pb.ts'
import { StatusSchema, type Status } from './proto/status_pb.ts'
import type { Sources } from './sources.ts'

/**
 * Runs a build that names a frontend in `Control/Solve` as buildx does: the engine is asked for a build without one, and the frontend is
 * asked for its result through the LLBBridge, which takes the namespace's own images and leaves time to look at the Dockerfile first.
 * `request`: judged. `fromRegistry`: no own images (`--pull`). Yields the engine's answer.
 */
export async function* driven(request: ControlRequest, sources: Sources, world: BuildWorld, { fromRegistry, signal, forward }: {
  fromRegistry: boolean; signal: AbortSignal; forward(request: ControlRequest): AsyncIterable<SolveResponse>
}): AsyncGenerator<SolveResponse> {
  const over = new AbortController()
  const bridge = bridgeOf(world.channel, request.Ref, AbortSignal.any([over.signal, signal]))
  const frontend = create(SolveRequestSchema, {
    Frontend: request.Frontend, FrontendOpt: { ...request.FrontendAttrs }, FrontendInputs: { ...request.FrontendInputs },
    CacheImports: (request.Cache?.Imports ?? []).map(({ Type, Attrs }) => ({ Type, Attrs })), allowResultReturn: true, allowResultArrayRef: true,
  })
  const prepare = async () => {
    if (world.classic) await openContext(frontend, bridge)
    if (!fromRegistry) await addOwnImages(frontend, sources, world, bridge)
  }
  const directing = direct(bridge, frontend, prepare,
    (error) => parseError(world, frontend, sources, world.builds.get(request.Ref), error))
  // Its failure is told by the build itself.
  directing.catch(() => {})
  try {
    yield* forward(create(ControlRequestSchema, { ...request, Frontend: '', FrontendInputs: {} }))
  } finally {
    over.abort()
  }
}

/** The part of the frontend's client: the result or the error is handed to the build, which ends with it. */
async function direct(bridge: Bridge, request: SolveRequest, prepare: () => Promise<void>, explained: (error: unknown) => Promise<unknown>): Promise<void> {
  try {
    await prepare()
    const { result } = await bridge.solve(request)
    await bridge.finish(create(ReturnRequestSchema, { result: result ?? {} }))
  } catch (error) {
    const told = asGrpc(await explained(error))
    if (!(told instanceof GrpcError)) throw told
    await bridge.finish(create(ReturnRequestSchema, { error: create(StatusSchema, { code: told.code, message: told.message, details: detailsOf(told) }) }))
  }
}

/** Bytes of details that are handed on: far below what takes the connection with it, see large-errors.ts. */
const mostDetails = 16 * 1024

/** Where in the Dockerfile it failed, and what else the frontend said beside its message. */
function detailsOf({ details }: GrpcError): Status['details'] {
  return details === undefined || details.length > mostDetails ? [] : readAnswer(StatusSchema, details).details
}
