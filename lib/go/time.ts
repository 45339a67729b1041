import { Refusal } from '../refusal.ts'
import { readDuration } from './duration.ts'

/** A moment: Unix seconds (may be negative) and 0 to 999,999,999 nanoseconds after them. */
export interface Timestamp {
  seconds: bigint
  nanos: number
}

/**
 * A moment as the engine and its CLI read it in `since`, `until` and the `until` filter (moby api/types/time): Unix seconds with up to
 * nanoseconds behind a point, a Go duration before `nowMs` (milliseconds since the epoch; whole seconds remain), or RFC 3339 that may end
 * after the day, hour, minute or second and may lack the zone, which is then UTC.
 * Throws `Refusal` 400 for anything else, '' included: an empty parameter means absent to the engine, which is for the caller to decide.
 */
export function parseTime(value: string, nowMs: number): Timestamp {
  const time = unixTime(value) ?? timeBefore(value, nowMs) ?? rfc3339(value)
  if (time === undefined) throw new Refusal(400, `failed to parse value as time or duration: ${JSON.stringify(value)}`)
  return time
}

function unixTime(value: string): Timestamp | undefined {
  const match = /^([+-]?\d{1,18})(?:\.(\d{1,18}))?$/.exec(value)
  return match ? { seconds: BigInt(match[1]!.replace('+', '')), nanos: nanoseconds(match[2]) } : undefined
}

function timeBefore(value: string, nowMs: number): Timestamp | undefined {
  const duration = readDuration(value)
  if (duration === undefined) return undefined
  const nanos = BigInt(Math.floor(nowMs)) * 1_000_000n - duration
  const seconds = nanos / 1_000_000_000n
  return { seconds: nanos < seconds * 1_000_000_000n ? seconds - 1n : seconds, nanos: 0 }
}

function rfc3339(value: string): Timestamp | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(value)
  if (!match) return undefined
  const [, day, hour = '00', minute = '00', second = '00', fraction, zone = 'Z'] = match
  const local = `${day}T${hour}:${minute}:${second}.000Z`
  const milliseconds = Date.parse(local)
  const offset = zoneSeconds(zone)
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== local || offset === undefined) return undefined
  return { seconds: BigInt(milliseconds / 1000 - offset), nanos: nanoseconds(fraction) }
}

function zoneSeconds(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))]
  if (hours > 24 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60)
}

function nanoseconds(fraction: string | undefined): number {
  return Number((fraction ?? '').padEnd(9, '0').slice(0, 9))
}
