import { constants, performServerHandshake, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { codes, GrpcError, type GrpcMessage, type GrpcSender, type Rpc } from '../../lib/grpc.ts'
import { drained } from './channel.ts'
import { callBudget, messages, sizeOf, writeFramed, type Budget } from './frames.ts'
import { metadataOf, trailersOf } from './headers.ts'
import { openWide, settingsOf, wide } from './windows.ts'

/** Calls of one connection at one time. */
const maxStreams = 250

/** Milliseconds after which a connection without calls is closed. */
const idleAfter = 600_000

/** Milliseconds a caller has to end its half of a call that is over. */
const callerEnds = 1_000

/** Hears of a defect: what the gateway did, in words that follow "failed", and what was thrown. */
export type OnDefect = (what: string, error: unknown) => void

/** A gRPC server on one connection. */
export interface GrpcServing {
  /** Resolves when the connection is over. */
  ended: Promise<void>
  /** Takes no new calls; the connection ends with those that are open, and clients make a new one. */
  drain(): void
  /** Ends the connection as soon as no call is open: a build makes more calls while it runs. */
  endWhenIdle(): void
  close(): void
}

/** What the calls of one connection, or of several together, may have at one time. */
export interface Allowance {
  /** Calls. */
  calls: Budget
  /** Bytes of messages that came, as long as their calls last. */
  held: Budget
  /** Bytes of answers that callers have not taken yet. */
  unsent: Budget
}

/** Serves gRPC on a connection whose other side starts HTTP/2 with prior knowledge, or has just been told 101. `window`: of each call, in bytes. */
export function serveGrpc(socket: Duplex, service: GrpcSender, allowance: Allowance, onDefect: OnDefect, window = wide): GrpcServing {
  const session = performServerHandshake(socket, {
    settings: { ...settingsOf(window), maxConcurrentStreams: maxStreams, maxHeaderListSize: 64 * 1024 },
    maxSessionMemory: 64, maxSendHeaderBlockLength: 16 * 1024 * 1024, maxSessionInvalidFrames: 100, peerMaxConcurrentStreams: 0,
  } as Parameters<typeof performServerHandshake>[1])
  openWide(session)
  let open = 0
  let ending = false
  const endIfIdle = () => { if (ending && open === 0) session.close() }
  // Not the session's own timeout, which outlives the session and keeps all that hangs on it in memory.
  const arm = () => setTimeout(() => session.close(), idleAfter)
  let idle = arm()
  session.on('stream', (stream, headers, _flags, rawHeaders) => {
    open++
    clearTimeout(idle)
    stream.on('close', () => {
      if (--open === 0 && !session.destroyed) idle = arm()
      endIfIdle()
    })
    void answer(stream, headers, rawHeaders as unknown as string[], service, allowance, onDefect)
  })
  session.on('error', () => {})
  // A half-closed connection is a client that died: nothing of it goes on.
  socket.on('end', () => socket.destroy())
  socket.on('error', () => session.destroy())
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(idle)
      socket.destroy()
      session.destroy()
      resolve()
    }
    session.on('close', end)
    socket.on('close', end)
  })
  return {
    ended, drain: () => session.close(), close: () => session.destroy(),
    endWhenIdle() {
      ending = true
      endIfIdle()
    },
  }
}

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: string[], service: GrpcSender, { calls, held, unsent }: Allowance, onDefect: OnDefect): Promise<void> {
  const gone = new AbortController()
  stream.on('error', () => {})
  stream.on('close', () => gone.abort())
  const out = outgoing(stream, unsent)
  if (!calls.take(1)) return out.end(tooMuch('too many calls to BuildKit are under way'))
  const mine = callBudget(held)
  try {
    const rpc: Rpc = { method: methodOf(headers), metadata: metadataOf(rawHeaders), requests: messages(stream.iterator({ destroyOnReturn: false }), mine), signal: gone.signal }
    for await (const message of service(rpc)) await out.send(message)
    out.end(undefined)
  } catch (error) {
    out.end(asGrpcError(error, gone.signal, (defect) => onDefect(`to handle ${String(headers[':path'])}`, defect)))
  } finally {
    mine.end()
    calls.give(1)
  }
}

function tooMuch(what: string): GrpcError {
  return new GrpcError(codes.resourceExhausted, `${what} at one time in this namespace; let some end first`)
}

/** Only what gRPC over HTTP/2 is; a wrong content type gets the transport's own answer. */
function methodOf(headers: IncomingHttpHeaders): string {
  const path = String(headers[':path'] ?? '')
  if (headers[':method'] !== 'POST' || !/^application\/grpc(\+proto)?$/.test(String(headers['content-type'] ?? ''))) {
    throw new GrpcError(codes.unimplemented, 'only gRPC calls with protobuf messages are served here')
  }
  const encoding = headers['grpc-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw new GrpcError(codes.unimplemented, `the encoding ${String(encoding)} is not served here; send messages uncompressed`)
  if (!/^\/[\w.]+\/\w+$/.test(path)) throw new GrpcError(codes.unimplemented, 'malformed method name')
  return path.slice(1)
}

function asGrpcError(error: unknown, gone: AbortSignal, report: (error: unknown) => void): GrpcError {
  if (error instanceof GrpcError) return error
  // Streams that the caller broke off fail in the transport's words; nobody is there to be told.
  if (!gone.aborted && (error as { code?: string } | undefined)?.code !== 'ABORT_ERR') report(error)
  return new GrpcError(codes.internal, 'the gateway failed to handle this call; the operator finds the cause in its log')
}

/** The answering half of a call: messages, then trailers; headers alone when it fails before the first message. */
function outgoing(stream: ServerHttp2Stream, unsent: Budget): { send(message: GrpcMessage): Promise<void>; end(error: GrpcError | undefined): void } {
  const head = { ':status': 200, 'content-type': 'application/grpc' } as const
  let trailers: Record<string, string>
  const begin = () => {
    if (stream.headersSent) return
    stream.respond(head, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  }
  return {
    async send(message) {
      if (stream.destroyed || stream.closed) return
      const size = sizeOf(message)
      if (!unsent.take(size)) throw tooMuch('too many answers of BuildKit\'s are not taken')
      try {
        begin()
        if (!writeFramed(stream, message)) await drained(stream)
      } finally {
        unsent.give(size)
      }
    },
    end(error) {
      if (stream.destroyed || stream.closed) return
      trailers = trailersOf(error)
      if (error !== undefined && !stream.headersSent) stream.respond({ ...head, ...trailers }, { endStream: true })
      else begin()
      stream.end()
      // What the caller still sends is of no use to anybody; most end by themselves when they have read the end.
      stream.resume()
      const patience = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), callerEnds)
      stream.once('close', () => clearTimeout(patience))
    },
  }
}
