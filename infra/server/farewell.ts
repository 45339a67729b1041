import { finished, type Duplex } from 'node:stream'

/** Milliseconds in which a client may still send what it was about to send, after it was told the end. */
const patience = 3_000

/**
 * Lets go of a connection: everything written goes out, then our side is closed. What still comes in is read and dropped for a while,
 * because closing with bytes unread would reset the connection and take back what the client has not read yet. A client that never closes
 * its own side does not keep the socket.
 */
export function farewell(socket: Duplex): void {
  if (socket.destroyed) return
  // The time begins when the client has taken everything, however slowly.
  finished(socket, { readable: false }, () => {
    if (socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), patience)
    finished(socket, () => {
      clearTimeout(timer)
      socket.destroy()
    })
  })
  socket.resume()
  if (!socket.writableEnded) socket.end()
}
