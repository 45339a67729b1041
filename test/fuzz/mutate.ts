/** Bytes made from other bytes by chance, the same for the same seed. */

/** A generator of numbers below a bound (mulberry32). */
export function dice(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, below)
  }
}

/** Bytes that parsers mind: ends, quotes, separators, escapes, numbers at their limits. */
const interesting = [0x00, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x27, 0x2c, 0x2e, 0x2f, 0x3a, 0x3b, 0x3d, 0x40, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xed, 0xef, 0xff]
const pieces = ['..', '//', '%2e', '%00', '\\u0000', '\\ud800', '\u017f', '\u212a', '__proto__', '9223372036854775808', '-1', '1e400', '{}', '[]', 'null', 'sha256:', 'moorage.invalid/', '\r\n', '{"a":', ',"a":1', '[[[[[[[[[['].map((text) => Buffer.from(text))

type Change = (bytes: Buffer, roll: (below: number) => number, other: Buffer) => Buffer

const changes: readonly Change[] = [
  (bytes, roll) => { const changed = Buffer.from(bytes); if (changed.length > 0) changed[roll(changed.length)]! ^= 1 << roll(8); return changed },
  (bytes, roll) => { const changed = Buffer.from(bytes); if (changed.length > 0) changed[roll(changed.length)] = interesting[roll(interesting.length)]!; return changed },
  (bytes, roll) => { const at = roll(bytes.length + 1); return Buffer.concat([bytes.subarray(0, at), pieces[roll(pieces.length)]!, bytes.subarray(at)]) },
  (bytes, roll) => { const at = roll(bytes.length); return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + roll(16))]) },
  (bytes, roll) => bytes.subarray(0, roll(bytes.length + 1)),
  (bytes, roll) => { const [at, length] = [roll(bytes.length), 1 + roll(64)]; return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]) },
  (bytes, roll, other) => Buffer.concat([bytes.subarray(0, roll(bytes.length + 1)), other.subarray(roll(other.length + 1))]),
  (bytes, roll) => { const changed = Buffer.from(bytes); if (changed.length >= 4) changed.writeUInt32BE([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, roll(2 ** 32)][roll(6)]!, roll(changed.length - 3)); return changed },
]

/** One input after the other, each made from the seeds by one to six changes; no longer than 64 KiB. */
export function* mutants(seeds: readonly Uint8Array[], seed: number): Generator<Buffer> {
  const roll = dice(seed)
  const pool = seeds.map((one) => Buffer.from(one))
  for (;;) {
    let bytes: Buffer = pool[roll(pool.length)]!
    for (let left = 1 + roll(6); left > 0; left--) bytes = changes[roll(changes.length)]!(bytes, roll, pool[roll(pool.length)]!)
    yield bytes.subarray(0, 64 * 1024)
  }
}

/** A tar whose headers have the right checksums again, so that more than the first line of defence is tried. */
export function repairedTar(bytes: Uint8Array): Buffer {
  const tar = Buffer.from(bytes)
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    const block = tar.subarray(at, at + 512)
    if (block.toString('latin1', 257, 262) !== 'ustar') continue
    block.fill(' ', 148, 156)
    block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }
  return tar
}
