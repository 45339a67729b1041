import { accessSync, constants, mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { writePrivately } from '../files.ts'

/** PEM texts of a namespace's client. */
export interface Certificates {
  ca: string
  cert: string
  key: string
}

/** Where the certificates of a namespace may have been put: the gateway's state directory first, then the user's data directory. */
function certificateDirectories(id: string, state: string | undefined): string[] {
  const data = process.env['XDG_DATA_HOME']
  const base = data && isAbsolute(data) ? data : join(process.env['HOME'] || homedir(), '.local', 'share')
  return [...(state ? [join(state, 'namespaces', id)] : []), join(base, 'moorage', 'namespaces', id)]
}

/** The directory for a new namespace's certificates: the first of them that can be written to. */
export function chooseDirectory(id: string, state: string | undefined): string {
  const [first = '', second] = certificateDirectories(id, state)
  return second === undefined || writable(String(state)) ? first : second
}

/** Writes `ca.pem`, `cert.pem` and `key.pem` as DOCKER_CERT_PATH wants them, for their owner only. */
export function writeCertificates(directory: string, { ca, cert, key }: Certificates): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writePrivately(join(directory, 'ca.pem'), ca)
  writePrivately(join(directory, 'key.pem'), key)
  writePrivately(join(directory, 'cert.pem'), cert)
}

/** Removes what was kept for a namespace; certificates put elsewhere with --out are their owner's. */
export function removeCertificates(id: string, state: string | undefined): void {
  for (const directory of certificateDirectories(id, state)) rmSync(directory, { recursive: true, force: true })
}

function writable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}
