import { until } from './processes.ts'

/** An answer as it comes. */
export interface Following {
  readonly status: number
  /** What has come. */
  text(): string
  /** Waits until that matches. */
  says(pattern: RegExp): Promise<void>
  /** Waits until the answer has ended, well or not. */
  ends(): Promise<void>
  /** Goes away in the middle of it. */
  leave(): void
}

/** Reads an answer whose head is there. */
export function following(status: number, body: AsyncIterable<Uint8Array>, leave: () => void): Following {
  let [text, ended] = ['', false]
  const decoder = new TextDecoder()
  const read = async () => {
    for await (const chunk of body) text += decoder.decode(chunk, { stream: true })
  }
  void read().catch(() => {}).finally(() => { ended = true })
  return {
    status, text: () => text, leave,
    says: (pattern) => until(() => {
      if (!pattern.test(text) && ended) throw new Error(`The answer ended without ${pattern}: ${text}`)
      return pattern.test(text)
    }, `The answer says ${pattern}`, 60_000),
    ends: () => until(() => ended, 'The answer ends', 60_000),
  }
}
