import { storedRegistry } from '../names.ts'
import { hex } from './names.ts'
import { programs } from './program.ts'

/** The helper's image for one architecture. No registry has it: the gateway makes it on the engine out of this archive. */
export interface HelperImage {
  /** Its tag on the engine. Jobs cannot make tags there: theirs have a namespace's token in this place. */
  readonly reference: string
  /** A tar archive with the program alone. */
  readonly archive: Uint8Array
  /** `sha256:…` of the archive: the engine's name of the only layer, by which an image under this tag is known to be ours. */
  readonly layer: string
}

/** Where the program is in the image. */
export const programPath = '/program'

/** The image for an architecture as engines call it. Throws for one that has no program. */
export async function helperImage(architecture: string): Promise<HelperImage> {
  const archive = tarOf(programPath.slice(1), Uint8Array.fromBase64(programs[architecture]!))
  const digest = hex(await crypto.subtle.digest('SHA-256', archive))
  return { reference: `${storedRegistry}/helper:${digest.slice(0, 16)}`, archive, layer: `sha256:${digest}` }
}

const block = 512

/** An archive with one executable file of root's (POSIX.1-1988 ustar). The same bytes each time. */
function tarOf(name: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const archive = new Uint8Array(block + Math.ceil(content.length / block) * block + 2 * block)
  const put = (offset: number, text: string) => archive.set(new TextEncoder().encode(text), offset)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  put(0, name)
  put(100, octal(0o755, 7) + octal(0, 7) + octal(0, 7) + octal(content.length, 11) + octal(0, 11))
  // The checksum counts itself as spaces.
  put(148, '        0')
  put(257, 'ustar\x0000')
  const sum = archive.subarray(0, block).reduce((total, byte) => total + byte, 0)
  put(148, `${octal(sum, 6)} `)
  archive.set(content, block)
  return archive
}
