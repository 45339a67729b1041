import { readFileSync } from 'node:fs'

/** Connections that a server on this machine still holds open, seen from outside: by the path of its unix socket or by its TCP port. */
export function heldConnections(at: string | number): number {
  return typeof at === 'string' ? unix(at) : tcp('/proc/net/tcp', at) + tcp('/proc/net/tcp6', at)
}

/** Accepted sockets carry the path of the listening one (proc(5), /proc/net/unix: state 01 is listening, 03 connected). */
function unix(path: string): number {
  return readFileSync('/proc/net/unix', 'utf8').split('\n').filter((line) => line.endsWith(` ${path}`) && line.split(/\s+/)[5] !== '01').length
}

/** A connection that is closed but not over has no inode; 0A is listening (proc(5), /proc/net/tcp). */
function tcp(file: string, port: number): number {
  const rows = readFileSync(file, 'utf8').split('\n').slice(1).map((line) => line.trim().split(/\s+/))
  const local = port.toString(16).toUpperCase().padStart(4, '0')
  return rows.filter(([, address, , state, , , , , , inode]) => address?.endsWith(`:${local}`) === true && state !== '0A' && inode !== '0').length
}
