import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { codes, GrpcError, type GrpcChannel, type Rpc } from '../../lib/grpc.ts'
import { budget, framed, messageLimit, messages } from './frames.ts'
import { endIn } from './headers.ts'
import { narrow, openWide, settingsOf } from './windows.ts'

/**
 * A gRPC client on a connection that speaks HTTP/2 (an upgraded one). `authority`: what the server is called in `:authority`.
 */
export function grpcChannel(socket: Duplex, authority: string): GrpcChannel {
  const closed = new AbortController()
  const session = connect(`http://${authority}`, { createConnection: () => socket, settings: settingsOf(narrow), maxSessionMemory: 256, maxHeaderListPairs: 256 })
  session.on('connect', () => openWide(session))
  // grpc-go ends connections in ways that nghttp2 calls errors; what matters is that they are over.
  session.on('error', () => {})
  socket.on('error', () => session.destroy())
  // An engine that died has only closed its side of a connection that may be half open.
  socket.on('end', () => session.destroy())
  session.on('close', () => {
    socket.destroy()
    closed.abort()
  })
  return {
    closed: closed.signal,
    call: (rpc) => call(session, rpc),
    close: () => session.destroy(),
  }
}

async function* call(session: ClientHttp2Session, { method, metadata, requests, signal }: Rpc): AsyncGenerator<Uint8Array> {
  if (session.destroyed || session.closed) throw lost()
  if (signal.aborted) throw new GrpcError(codes.cancelled, 'the call was cancelled')
  const stream = session.request({ ':method': 'POST', ':path': `/${method}`, te: 'trailers', 'content-type': 'application/grpc', ...metadata as Record<string, string[]> })
  const end = endOf(stream)
  const cancel = () => stream.close(constants.NGHTTP2_CANCEL)
  signal.addEventListener('abort', cancel, { once: true })
  // Sending may fail long before there is an answer: it ends the stream then, and is the reason of what follows.
  let failed: unknown
  void send(requests, stream).catch((error) => { failed = error })
  try {
    yield* messages(stream.iterator({ destroyOnReturn: false }), budget(4 * messageLimit))
    const error = await end
    if (error) throw error
  } catch (error) {
    throw failed ?? await reason(error, stream, end, signal)
  } finally {
    signal.removeEventListener('abort', cancel)
    if (!stream.closed) cancel()
  }
}

/** What the server said at the end, in its trailers or in the headers of an answer without messages. */
function endOf(stream: ClientHttp2Stream): Promise<GrpcError | undefined> {
  return new Promise((resolve) => {
    let said = false
    const say = (error: GrpcError | undefined) => { said = true; resolve(error) }
    stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) say(endIn(headers))
      else if (headers[':status'] !== 200) say(new GrpcError(codes.unavailable, `the engine answered a gRPC call with HTTP status ${headers[':status']}`))
    })
    stream.on('trailers', (headers) => say(endIn(headers)))
    stream.on('error', () => {})
    stream.on('close', () => { if (!said) say(stream.rstCode === constants.NGHTTP2_CANCEL ? new GrpcError(codes.cancelled, 'the call was cancelled') : lost()) })
  })
}

/** Broken streams first say that they are broken, and then why. */
async function reason(error: unknown, stream: ClientHttp2Stream, end: Promise<GrpcError | undefined>, signal: AbortSignal): Promise<unknown> {
  if (error instanceof GrpcError) return error
  if (signal.aborted) return new GrpcError(codes.cancelled, 'the call was cancelled')
  stream.destroy()
  return await end ?? lost()
}

function lost(): GrpcError {
  return new GrpcError(codes.unavailable, 'the connection to the engine\'s BuildKit was lost')
}

/** Sends at the server's speed. Fails with what the caller's messages fail with; the call is then cancelled. */
async function send(requests: AsyncIterable<Uint8Array>, stream: ClientHttp2Stream): Promise<void> {
  try {
    for await (const message of requests) {
      if (stream.closed || stream.destroyed) return
      if (!stream.write(framed(message))) await drained(stream)
    }
    stream.end()
  } catch (error) {
    stream.close(constants.NGHTTP2_CANCEL)
    throw error
  }
}

/** Resolves when more may be written, or never will be. */
export function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
    if (stream.destroyed) done()
  })
}
