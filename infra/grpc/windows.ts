import type { Http2Session, Settings } from 'node:http2'

/**
 * HTTP/2 settings of both legs. Windows as large as a build context wants at 20 ms of latency (the default of 64 KiB makes uploads
 * twenty times slower there); headers as large as the trailers of a failed build, which hold its whole Dockerfile.
 */
export const settings: Settings = { initialWindowSize: 4 * 1024 * 1024, maxHeaderListSize: 16 * 1024 * 1024, enablePush: false }

/** Bytes that may be under way on one connection; its streams share them. */
const connectionWindow = 16 * 1024 * 1024

/** Opens the window of the whole connection. */
export function openWide(session: Http2Session): void {
  if (!session.destroyed) session.setLocalWindowSize(connectionWindow)
}
