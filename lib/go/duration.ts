import { Refusal } from '../refusal.ts'

/** Nanoseconds per unit; both micro signs (U+00B5, U+03BC) are units. */
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

const maxDigits = 40

/**
 * A duration as Go's time.ParseDuration reads it (`10m`, `1h30m`, `-1.5h`, `0`), in nanoseconds.
 * Throws `Refusal` 400 when it is not one, or does not fit into 64 bits.
 */
export function parseDuration(text: string): bigint {
  const duration = readDuration(text)
  if (duration === undefined) throw new Refusal(400, `time: invalid duration ${JSON.stringify(text)}`)
  return duration
}

/** The same, for texts that may also be something else: undefined instead of a refusal. */
export function readDuration(text: string): bigint | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? []
  if (rest === '0') return 0n
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(rest)) return undefined
  let sum = 0n
  for (const [, whole = '', fraction = '', unit = ''] of rest.matchAll(/(\d*)\.?(\d*)([a-z\u00b5\u03bc]+)/g)) {
    if (whole.replace(/^0+/, '').length > maxDigits) return undefined
    const scale = units[unit]!
    const digits = fraction.slice(0, maxDigits)
    sum += BigInt(whole || '0') * scale + (BigInt(digits || '0') * scale) / 10n ** BigInt(digits.length)
  }
  const limit = sign === '-' ? 1n << 63n : (1n << 63n) - 1n
  if (sum > limit) return undefined
  return sign === '-' ? -sum : sum
}
