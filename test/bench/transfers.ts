import { now } from './measure.ts'
import type { Measured } from './row.ts'
import { begin, drained, upload, type Ask } from './wire.ts'
import type { Side } from './world.ts'

export const megabyte = 1024 * 1024

/** `start`: what `now` said when the first of these bytes was asked for or sent. */
export const megabytesPerSecond = (bytes: number, start: number): Measured => ({ value: bytes / megabyte / ((now() - start) / 1000), units: bytes / 1e9 })

/** Reads an answer to its end. */
export async function download(side: Side, path: string): Promise<Measured> {
  const socket = await side.connect()
  const start = now()
  const { status } = await begin(socket, { method: 'GET', path })
  if (status !== 200) throw new Error(`GET ${path} answered ${status}`)
  const size = await drained(socket)
  socket.destroy()
  return megabytesPerSecond(size, start)
}

/** Sends a body and waits for the answer, which must be good. */
export async function send(side: Side, ask: Ask, body: readonly Buffer[]): Promise<Measured> {
  const socket = await side.connect()
  const start = now()
  const answer = await upload(socket, ask, body)
  const measured = megabytesPerSecond(body.reduce((sum, piece) => sum + piece.length, 0), start)
  socket.destroy()
  if (answer.status >= 300 || /"error"/.test(String(answer.body))) throw new Error(`${ask.method} ${ask.path} answered ${answer.status}: ${answer.body}`)
  return measured
}
