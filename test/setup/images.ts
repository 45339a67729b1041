import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'
import type { Engine } from './engine.ts'
import { cache, commonProgram } from './paths.ts'

/** A small root file system as a shell script makes it in `$1` with the busybox at `$2`: all applets, a root and a nobody. */
const recipe = `set -e
mkdir -p "$1/bin" "$1/etc" "$1/root" "$1/var" "$1/tmp" && chmod 1777 "$1/tmp"
cp "$2" "$1/bin/busybox"
for applet in $("$2" --list); do [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"; done
printf 'root:x:0:0:root:/root:/bin/sh\\nnobody:x:65534:65534:nobody:/:/bin/false\\n' > "$1/etc/passwd"
printf 'root:x:0:\\nnogroup:x:65534:\\n' > "$1/etc/group"`

/** Path of a tar of busybox's file system, made once. */
export function busyboxTar(): string {
  const path = join(cache, `busybox-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}.tar`)
  if (existsSync(path)) return path
  const directory = mkdtempSync(join(tmpdir(), 'moorage-busybox-'))
  must('sh', ['-c', recipe, 'sh', join(directory, 'root'), commonProgram('busybox')])
  must('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '-C', join(directory, 'root'), '-cf', join(directory, 'tar'), '.'])
  must('cp', [join(directory, 'tar'), `${path}.${process.pid}`])
  renameSync(`${path}.${process.pid}`, path)
  rmSync(directory, { recursive: true })
  return path
}

/** Makes an image of busybox on the engine, as no registry can be reached from tests, and answers its id. */
export async function importBusybox(engine: Engine, tag = 'busybox:latest'): Promise<string> {
  return engine.docker('import', '-c', 'CMD ["sh"]', '-c', 'ENV PATH=/bin', busyboxTar(), tag)
}
