import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'

/** Certificates as an operator makes them with openssl. */
export interface OpenSsl {
  /** The file of that name. */
  path(file: string): string
  text(file: string): string
  /** Makes `NAME.pem` and `NAME-key.pem` of an authority. */
  authority(name: string): void
  /** The same, signed by an authority; `names` are of its subjectAltName, `days` may be negative for one that has expired. */
  certificate(name: string, by: string, wish: { usage: 'serverAuth' | 'clientAuth'; names?: string; days?: number }): void
}

/** In a directory that ends with this process. */
export function openSsl(): OpenSsl {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-openssl-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const path = (file: string) => join(directory, file)
  const openssl = (...args: string[]) => must('openssl', args, { cwd: directory })
  return {
    path,
    text: (file) => readFileSync(path(file), 'utf8'),
    authority(name) {
      openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}-key.pem`, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2')
    },
    certificate(name, by, { usage, names, days = 2 }) {
      openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
      writeFileSync(path(`${name}.ext`), [`extendedKeyUsage=${usage}`, ...(names ? [`subjectAltName=${names}`] : [])].join('\n'))
      openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}-key.pem`, '-CAcreateserial', '-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`)
    },
  }
}
