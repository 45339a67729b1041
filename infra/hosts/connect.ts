import { connect as netConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { buildConnector } from 'undici'
import { dialSsh, sshTarget, type SshTarget } from './ssh.ts'

/** Where an engine is reached: a unix socket, a TCP address (with TLS material when it wants mTLS), or a machine that ssh logs in to. */
export type EngineAddress =
  | { socketPath: string }
  | { host: string; port: number; tls?: TlsMaterial }
  | { ssh: SshTarget }

/** PEM texts. */
export interface TlsMaterial { ca?: string; cert?: string; key?: string }

/** Reads `unix:///path`, `tcp://host:port`, `http://host:port`, `https://host:port` or `ssh://[user@]host[:port][/path of the engine's socket]`. */
export function engineAddress(url: string, tls?: TlsMaterial): EngineAddress {
  if (url.startsWith('unix://')) return { socketPath: url.slice('unix://'.length) }
  if (url.startsWith('ssh://')) return { ssh: sshTarget(url) }
  const parsed = new URL(url.replace(/^tcp:/, tls ? 'https:' : 'http:'))
  const isTls = parsed.protocol === 'https:'
  return { host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(parsed.port || (isTls ? 2376 : 2375)), ...(isTls && { tls: tls ?? {} }) }
}

/** Makes connections to one engine. */
export interface Connector {
  /** For a pool of connections. */
  readonly pooled: buildConnector.connector
  /** One that a stream is handed over on: half-open, as a stdin that has ended must not take the output with it. */
  handedOver(): Promise<Socket>
  close(): Promise<void>
}

/** Milliseconds that making a connection may take. */
const patience = 10_000

export function connector(address: EngineAddress): Connector {
  if ('ssh' in address) {
    const ssh = dialSsh(address.ssh)
    return { handedOver: ssh.dial, close: ssh.close, pooled: (_options, callback) => void ssh.dial().then((socket) => callback(null, socket), (error) => callback(error, null)) }
  }
  const pooled = 'socketPath' in address ? buildConnector({ socketPath: address.socketPath, timeout: patience }) : buildConnector({ ...address.tls, timeout: patience, allowH2: false })
  return {
    handedOver: async () => halfOpen(address),
    async close() {},
    pooled: (options, callback) => pooled(options, (...[error, socket]) => {
      if (error) return callback(error, null)
      // What an engine has against a certificate it says after the handshake (TLS 1.3), and ends: its reason counts, not the end.
      socket.on('error', () => socket.destroy())
      callback(null, socket)
    }),
  }
}

function halfOpen(address: Exclude<EngineAddress, { ssh: SshTarget }>): Socket {
  if ('socketPath' in address) return netConnect({ path: address.socketPath, allowHalfOpen: true })
  const target = { host: address.host, port: address.port, allowHalfOpen: true }
  return address.tls ? tlsConnect({ ...target, ...address.tls }) : netConnect(target)
}
