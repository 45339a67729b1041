import type { Http2Session, Settings } from 'node:http2'

/**
 * Bytes that may come on one call before somebody reads them. `wide`: as many as a build context wants at 20 ms of latency (the default of 64 KiB
 * makes uploads twenty times slower there). `narrow`: for what comes from an engine, which is near and says little, and for connections of a
 * namespace that has many. They are all that bounds what is not read: Node takes what comes on a connection for read when it has come.
 */
export const [wide, narrow] = [4 * 1024 * 1024, 256 * 1024]

/** HTTP/2 settings of both legs. Headers as large as the trailers of a failed build, which hold its whole Dockerfile. */
export function settingsOf(window: number): Settings {
  return { initialWindowSize: window, maxHeaderListSize: 16 * 1024 * 1024, enablePush: false }
}

/** Bytes that may be under way on one connection; its streams share them. */
const connectionWindow = 16 * 1024 * 1024

/** Opens the window of the whole connection. */
export function openWide(session: Http2Session): void {
  if (!session.destroyed) session.setLocalWindowSize(connectionWindow)
}
