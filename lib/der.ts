/** What certificates need of DER (X.690, section 10): every value is a tag, a length and bytes. */

export const tags = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, object: 0x06, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30 } as const

/** One value of these parts, one after the other. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  const head = [tag, ...lengthOf(size)]
  const whole = new Uint8Array(head.length + size)
  whole.set(head)
  let at = head.length
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** An integer that is not negative, of its big-endian bytes: the shortest way to write it is the only one. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0)
  const short = first === -1 ? new Uint8Array(1) : bytes.subarray(first)
  return short[0]! < 0x80 ? der(tags.integer, short) : der(tags.integer, new Uint8Array(1), short)
}

/** A moment to the second, as certificates write it: two digits for a year before 2050 (RFC 5280, 4.1.2.5). */
export function derTime(moment: Date): Uint8Array {
  const digits = `${moment.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`
  const isShort = moment.getUTCFullYear() < 2050
  return der(isShort ? tags.utcTime : tags.generalizedTime, new TextEncoder().encode(isShort ? digits.slice(2) : digits))
}

function lengthOf(size: number): number[] {
  if (size < 0x80) return [size]
  const bytes: number[] = []
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}
