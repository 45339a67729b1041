import { create } from '@bufbuild/protobuf'
import { codes, GrpcError } from '../grpc.ts'
import type { Served } from './method.ts'
import {
  DiskUsageRequestSchema, PruneRequestSchema, StatusRequestSchema, type DiskUsageRequest, type DiskUsageResponseSchema, type ListWorkersRequestSchema,
  type ListWorkersResponseSchema, type PruneRequest, type StatusRequest, type StatusResponseSchema, type UsageRecordSchema,
} from './proto/control_pb.ts'
import { scopedId, type Scope } from './scope.ts'

/** `Control/Status`: the progress of a build of the namespace. */
export async function* status({ message, world, forward }: Served<typeof StatusRequestSchema, typeof StatusResponseSchema>) {
  const request = ownStatus(message, world.scope)
  try {
    yield* forward(request)
  } catch (error) {
    // A build that is under way on this connection tells by itself why it is lost, and clients take the first error they see.
    if (!world.builds.has(request.Ref)) throw error
  }
}

function ownStatus({ Ref }: StatusRequest, { ns }: Scope): StatusRequest {
  if (Ref === '') throw new GrpcError(codes.invalidArgument, 'a ref is needed')
  return create(StatusRequestSchema, { Ref: scopedId(ns, Ref) })
}

/** `Control/ListWorkers`: the one worker of an engine, without the name of its machine. */
export async function* workers({ message, forward }: Served<typeof ListWorkersRequestSchema, typeof ListWorkersResponseSchema>) {
  for await (const answer of forward(message)) {
    for (const { Labels } of answer.record) delete Labels['org.mobyproject.buildkit.worker.hostname']
    yield answer
  }
}

/**
 * What records of the cache say of whose they are: only cache mounts do, by their id. Layers have no owner; they are shared, and the
 * engine's own garbage collection deletes them.
 */
const ownMounts = ({ cache }: Scope) => `type==exec.cachemount,description~="with id \\"${cache}/"`

/** Conditions with a comma between must all hold. */
function narrowed(filters: readonly string[], scope: Scope): string[] {
  const given = filters.filter((filter) => filter !== '')
  return given.length === 0 ? [ownMounts(scope)] : given.map((filter) => `${filter},${ownMounts(scope)}`)
}

/** `Control/DiskUsage`. */
export async function* diskUsage({ message, world, forward }: Served<typeof DiskUsageRequestSchema, typeof DiskUsageResponseSchema>) {
  for await (const answer of forward(ownUsage(message, world.scope))) {
    for (const record of answer.record) {
      record.Parent = ''
      record.Parents = []
    }
    yield answer
  }
}

function ownUsage({ filter, ageLimit }: DiskUsageRequest, scope: Scope): DiskUsageRequest {
  return create(DiskUsageRequestSchema, { filter: narrowed(filter, scope), ageLimit })
}

/** `Control/Prune`. */
export function prune({ message, world, forward }: Served<typeof PruneRequestSchema, typeof UsageRecordSchema>) {
  return forward(ownPrune(message, world.scope))
}

/** Space limits are for the whole engine's cache and would be met by what is not the namespace's; only the age counts here. */
function ownPrune({ filter, all, keepDuration }: PruneRequest, scope: Scope): PruneRequest {
  return create(PruneRequestSchema, { filter: narrowed(filter, scope), all, keepDuration })
}
