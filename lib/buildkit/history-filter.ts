import type { Timestamp } from '@bufbuild/protobuf/wkt'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { regexpsTest } from '../filters/regexp.ts'
import { readDuration } from '../go/duration.ts'
import { codes, GrpcError } from '../grpc.ts'
import type { BuildHistoryRecord } from './proto/control_pb.ts'

type Test = (record: BuildHistoryRecord) => boolean

/**
 * Filters of a build history, one of which must hold, each of conditions with commas between (moby/buildkit, solver/llbsolver/history.go
 * parseFilters). `now`: milliseconds since the epoch. Throws a GrpcError for what the engine does not know either.
 */
export function historyFilter(filters: readonly string[], now: number): Test {
  const tests = filters.filter((filter) => filter !== '').map((filter) => filter.split(',').map((condition) => parseCondition(condition.trim(), now)))
  return (record) => tests.length === 0 || tests.some((all) => all.every((one) => one(record)))
}

function parseCondition(text: string, now: number): Test {
  const [, field = '', operator = '', given = ''] = /^(\w+)(==|!=|~=|>=|<=|>|<)(.*)$/s.exec(text) ?? []
  const value = given.replace(/^"(.*)"$/s, '$1')
  if (field === 'ref' || field === 'status' || field === 'repository') return textCondition(field, operator, value)
  if (/^[<>]=?$/.test(operator) && (field === 'startedAt' || field === 'completedAt' || field === 'duration')) return timeCondition(field, operator, value, now)
  throw new GrpcError(codes.invalidArgument, `invalid filter ${JSON.stringify(text.slice(0, 100))}: expected ref, status or repository with ==, != or ~=, or startedAt, completedAt or duration with < or >`)
}

const texts = {
  ref: (record: BuildHistoryRecord) => record.Ref,
  status: statusOf,
  repository: (record: BuildHistoryRecord) => record.FrontendAttrs['vcs:source'] ?? '',
} as const

function statusOf({ CompletedAt, error }: BuildHistoryRecord): string {
  if (CompletedAt === undefined) return 'running'
  if (error === undefined) return 'completed'
  return error.message.includes('context canceled') ? 'canceled' : 'error'
}

function textCondition(field: keyof typeof texts, operator: string, value: string): Test {
  if (operator === '~=') {
    const matches = regexpsTest([value])
    return (record) => matches(texts[field](record))
  }
  if (operator !== '==' && operator !== '!=') throw new GrpcError(codes.invalidArgument, `${field} is compared with ==, != or ~=`)
  return (record) => (texts[field](record) === value) === (operator === '==')
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>=': (a, b) => a >= b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '<': (a, b) => a < b,
}

function timeCondition(field: 'startedAt' | 'completedAt' | 'duration', operator: string, value: string, now: number): Test {
  const wanted = field === 'duration' ? milliseconds(value) : moment(value, now)
  if (wanted === undefined) throw new GrpcError(codes.invalidArgument, `invalid time ${JSON.stringify(value.slice(0, 60))}`)
  return (record) => comparisons[operator]!(timeIn(record, field), wanted)
}

function timeIn({ CreatedAt, CompletedAt }: BuildHistoryRecord, field: 'startedAt' | 'completedAt' | 'duration'): number {
  const ms = (time: Timestamp | undefined) => time === undefined ? 0 : timestampMs(time)
  if (field === 'duration') return CompletedAt === undefined ? 0 : ms(CompletedAt) - ms(CreatedAt)
  return ms(field === 'startedAt' ? CreatedAt : CompletedAt)
}

/** So long ago, or an RFC 3339 time. */
function moment(value: string, now: number): number | undefined {
  const ago = milliseconds(value)
  if (ago !== undefined) return now - ago
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : at
}

function milliseconds(value: string): number | undefined {
  const nanoseconds = readDuration(value)
  return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1_000_000
}
