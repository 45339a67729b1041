import type { IncomingHttpHeaders } from 'node:http2'
import { codes, GrpcError, type Metadata } from '../../lib/grpc.ts'

/** Metadata of a request from its raw header pairs; pseudo headers and those of the transport are left out. */
export function metadataOf(rawHeaders: readonly string[]): Metadata {
  const metadata: Record<string, string[]> = Object.create(null)
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase()
    if (name.startsWith(':') || name === 'te' || name === 'content-type') continue
    metadata[name] ??= []
    metadata[name].push(rawHeaders[index + 1]!)
  }
  return metadata
}

/** The end of a call as trailers. */
export function trailersOf(error: GrpcError | undefined): Record<string, string> {
  if (error === undefined) return { 'grpc-status': '0' }
  return {
    'grpc-status': String(error.code),
    'grpc-message': percentEncoded(error.message),
    ...(error.details && { 'grpc-status-details-bin': Buffer.from(error.details).toString('base64').replace(/=+$/, '') }),
  }
}

/** The end of a call from trailers; undefined when it is OK. */
export function endIn(trailers: IncomingHttpHeaders): GrpcError | undefined {
  const code = Number(trailers['grpc-status'] ?? codes.unknown)
  if (code === 0) return undefined
  const details = trailers['grpc-status-details-bin']
  return new GrpcError(Number.isInteger(code) ? code : codes.unknown, percentDecoded(String(trailers['grpc-message'] ?? '')),
    typeof details === 'string' ? new Uint8Array(Buffer.from(details, 'base64')) : undefined)
}

/** Everything but printable ASCII, and the percent sign, as %XX of its UTF-8 bytes (Status-Message). */
function percentEncoded(text: string): string {
  return Buffer.from(text).toString('latin1').replace(/[^\x20-\x24\x26-\x7e]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

function percentDecoded(text: string): string {
  return Buffer.from(text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1').toString()
}
