import type { Duplex } from 'node:stream'
import { drained } from '../../infra/grpc/channel.ts'
import { control, upgraded } from './grpc-client.ts'
import { callFrame, fields, flags, frame, hello, types, uint32 } from './http2-frames.ts'
import { until } from './processes.ts'

/** Sends frames on a connection of their own and resolves to what came back until that is enough, or it was closed. */
export async function attack(socketPath: string, bytes: Iterable<Uint8Array>, enough: (received: () => Buffer) => boolean): Promise<Buffer> {
  const socket: Duplex = await upgraded(socketPath, '/grpc')
  const chunks: Buffer[] = []
  socket.on('error', () => {}).on('data', (chunk) => chunks.push(chunk))
  const received = () => Buffer.concat(chunks)
  socket.write(hello)
  for (const part of bytes) if (!socket.destroyed && !socket.write(part)) await drained(socket)
  await until(() => socket.destroyed || enough(received), 'The gateway answers or hangs up', 60_000)
  socket.destroy()
  return received()
}

/** Kinds of the frames in what a server sent. */
export function kinds(bytes: Buffer): number[] {
  const found: number[] = []
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) found.push(bytes[at + 3]!)
  return found
}

export const endings = (received: () => Buffer): boolean => kinds(received()).some((kind) => kind === types.goaway || kind === types.reset)
export const answered = (received: () => Buffer): boolean => kinds(received()).includes(types.headers) || endings(received)

export function* repeated(count: number, make: (index: number) => Uint8Array): Generator<Buffer> {
  for (let at = 0; at < count; at += 100) yield Buffer.concat(Array.from({ length: Math.min(100, count - at) }, (_, index) => make(at + index)))
}

/** What floods are made of: frames, and what shows that the gateway has had enough of them. */
export type Flood = [what: string, frames: () => Iterable<Uint8Array>, enough: (received: () => Buffer) => boolean]

/** `many`: frames of the kinds that come in crowds. */
export const floods = (many: number): readonly Flood[] => [
  ['calls', () => repeated(many, (index) => callFrame(1 + 2 * index, `${control}/Info`)), endings],
  ['calls taken back', () => repeated(many, (index) => Buffer.concat([callFrame(1 + 2 * index, `${control}/Info`), frame(types.reset, 0, 1 + 2 * index, uint32(8))])), endings],
  ['refused calls', () => repeated(many, (index) => Buffer.concat([callFrame(1 + 2 * index, 'no.Such/Method'), frame(types.data, flags.endStream, 1 + 2 * index)])), answered],
  ['pings', () => repeated(10 * many, () => frame(types.ping, 0, 0, Buffer.alloc(8))), (received) => kinds(received()).includes(types.ping)],
  ['settings', () => repeated(2 * many, () => frame(types.settings, 0, 0)), (received) => kinds(received()).length > 1],
  ['goaways', () => repeated(1_000, () => frame(types.goaway, 0, 0, Buffer.concat([uint32(0), uint32(0)]))), () => true],
  ['endless headers', () => [frame(types.headers, 0, 1, fields({ ':method': 'POST' })), ...repeated(20_000, () => frame(types.continuation, 0, 1, fields({ 'x-filler': 'y'.repeat(100) })))], endings],
  ['data without a call', () => [frame(types.data, 0, 5, Buffer.alloc(100))], endings],
  ['a window beyond its limit', () => [frame(types.window, 0, 0, uint32(0x7fffffff)), frame(types.window, 0, 0, uint32(0x7fffffff))], endings],
  ['an unknown frame', () => [frame(200, 0, 0, Buffer.alloc(100)), frame(types.ping, 0, 0, Buffer.alloc(8))], (received) => kinds(received()).includes(types.ping)],
  ['no HTTP/2 at all', () => [Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(100))], endings],
]
