/** Bytes of an upload that wait for the engine to take those before. */
const usual = 1024 * 1024

/**
 * Takes chunks from a source while those before are still being used, so that neither side of an upload waits for the other's turn; about
 * `limit` bytes are held. The iterator is never told to return: who leaves early may go on with it, what was held is gone.
 */
export async function* readAhead(source: AsyncIterator<Uint8Array>, limit = usual): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let size = 0
  let ended: { error?: unknown } | undefined
  let left = false
  let wakeReader = () => {}
  let wakeTaker = () => {}

  async function take(): Promise<void> {
    try {
      while (!left) {
        const { done, value } = await source.next()
        if (done) break
        held.push(value)
        size += value.length
        wakeReader()
        if (size >= limit && !left) await new Promise<void>((resolve) => { wakeTaker = resolve })
      }
      ended = {}
    } catch (error) {
      ended = { error }
    }
    wakeReader()
  }

  void take()
  try {
    for (;;) {
      const chunks = held
      held = []
      for (const chunk of chunks) {
        yield chunk
        size -= chunk.length
        wakeTaker()
      }
      if (held.length > 0) continue
      if (ended && 'error' in ended) throw ended.error
      if (ended) return
      await new Promise<void>((resolve) => { wakeReader = resolve })
    }
  } finally {
    left = true
    wakeTaker()
  }
}
