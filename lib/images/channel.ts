/** Values handed from one piece of work to another that reads them in its own time. */
export interface Channel<T> {
  push(value: T): void
  /** No more values; with an error, reading ends with it. */
  end(error?: unknown): void
  readonly values: AsyncIterable<T>
}

/**
 * A channel that never makes its writer wait: beyond `limit` unread values those that `droppable` names are not kept, so that a client
 * that does not read its progress lines holds back nobody.
 */
export function channel<T>({ limit, droppable }: { limit: number; droppable: (value: T) => boolean }): Channel<T> {
  const queue: T[] = []
  let ended: { error: unknown } | undefined
  let wake: (() => void) | undefined
  async function* values(): AsyncGenerator<T> {
    for (;;) {
      while (queue.length > 0) yield queue.shift()!
      if (ended?.error !== undefined) throw ended.error
      if (ended) return
      await new Promise<void>((resolve) => { wake = resolve })
      wake = undefined
    }
  }
  return {
    push(value) {
      if (queue.length >= limit && droppable(value)) return
      queue.push(value)
      wake?.()
    },
    end(error) {
      ended ??= { error }
      wake?.()
    },
    values: values(),
  }
}
