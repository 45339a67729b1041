import { Refusal } from '../refusal.ts'
import { trimSpace } from './text.ts'

/**
 * Query booleans as most endpoints read them (moby httputils.BoolValueOrDefault): absent is `absent`; false is exactly an empty
 * string, 0, no, false and none in any case with spaces around; everything else is true, `off` included.
 */
export function parseBool(value: string | undefined, absent: boolean): boolean {
  if (value === undefined) return absent
  return !['', '0', 'no', 'false', 'none'].includes(trimSpace(value).toLowerCase())
}

/**
 * Booleans of the few strict fields (network `verbose`, volume prune `all`): Go's strconv.ParseBool.
 * Throws `Refusal` 400 with its text; endpoints that put words in front catch and rephrase it.
 */
export function parseBoolStrict(value: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false
  throw new Refusal(400, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
}
