import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { atExit } from './at-exit.ts'

const root = mkdtempSync(join(tmpdir(), 'moorage-build-'))
atExit(() => rmSync(root, { recursive: true, force: true }))

/** A folder to build from, with these files; it ends with this process. */
export function buildContext(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(root, 'context-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  return directory
}

/** A folder with this Dockerfile alone. */
export const dockerfile = (text: string) => buildContext({ Dockerfile: text })
