export type Reader = ReturnType<typeof reader>

/** Takes pieces of known lengths out of a stream of chunks. */
export function reader(source: AsyncIterable<Uint8Array>) {
  const chunks = source[Symbol.asyncIterator]()
  let chunk: Uint8Array = new Uint8Array(0)

  async function more(): Promise<boolean> {
    while (chunk.length === 0) {
      const { done, value } = await chunks.next()
      if (done) return false
      chunk = value
    }
    return true
  }
  function take(length: number): Uint8Array {
    const piece = chunk.subarray(0, length)
    chunk = chunk.subarray(piece.length)
    return piece
  }
  /** Passes so many bytes on. Throws when there are fewer. */
  async function* next(length: number): AsyncGenerator<Uint8Array> {
    while (length > 0) {
      if (!await more()) throw new RangeError('the tar ends too early')
      const piece = take(length)
      length -= piece.length
      yield piece
    }
  }
  return {
    next,
    /** So many bytes at once, undefined at the end of the stream. */
    async exactly(length: number): Promise<Uint8Array | undefined> {
      if (length > 0 && !await more()) return undefined
      if (chunk.length >= length) return take(length)
      const whole = new Uint8Array(length)
      let at = 0
      for await (const piece of next(length)) {
        whole.set(piece, at)
        at += piece.length
      }
      return whole
    },
    async* rest(): AsyncGenerator<Uint8Array> {
      while (await more()) yield take(chunk.length)
    },
  }
}
