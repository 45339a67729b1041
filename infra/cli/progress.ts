/** How far something is, told on standard error while one waits for it. */
export interface Progress {
  /** On a terminal the line takes the place of the one before, elsewhere it is a line more, unless it says the same again. */
  show(line: string): void
  /** Takes the line off a terminal again. */
  end(): void
  /** Milliseconds that it is worth waiting before the next look: often on a terminal, elsewhere more and more seldom. */
  pause(): number
}

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & { write(text: string): unknown }

/** Milliseconds between looks, at first and at most. */
const [soonest, latest] = [500, 5_000]

export function progress(stream: Stream = process.stderr): Progress {
  let last = ''
  let pause = soonest / 2
  return stream.isTTY
    ? {
        show(line) {
          last = line
          stream.write(`\r${line.slice(0, (stream.columns || 80) - 1)}\x1b[K`)
        },
        end() { if (last !== '') stream.write('\r\x1b[K') },
        pause: () => soonest,
      }
    : {
        show(line) {
          if (line !== last) stream.write(`${line}\n`)
          last = line
        },
        end() {},
        pause: () => {
          pause = Math.min(pause * 2, latest)
          return pause
        },
      }
}

/** Shows what `look` says until the work is done, from half a second on. What cannot be seen is not shown. */
export async function whileWaiting<T>(work: Promise<T>, look: () => Promise<string | undefined>, shown: Progress = progress()): Promise<T> {
  let isDone = false
  const done = work.then(() => {}, () => {}).then(() => { isDone = true })
  const watching = (async () => {
    while (!isDone) {
      await Promise.race([done, sleep(shown.pause())])
      const line = isDone ? undefined : await Promise.race([done, look().catch(() => undefined)])
      if (line !== undefined && !isDone) shown.show(line)
    }
  })()
  await watching
  shown.end()
  return work
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}
