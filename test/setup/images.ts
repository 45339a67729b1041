import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'
import type { Engine } from './engine.ts'
import { cache, commonProgram, treePath } from './paths.ts'

/** A small root file system as a shell script makes it in `$1` with the busybox at `$2`: all applets, a root and a nobody. */
const recipe = `set -e
mkdir -p "$1/bin" "$1/etc" "$1/root" "$1/var" "$1/tmp" && chmod 1777 "$1/tmp"
cp "$2" "$1/bin/busybox"
for applet in $("$2" --list); do [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"; done
printf 'root:x:0:0:root:/root:/bin/sh\\nnobody:x:65534:65534:nobody:/:/bin/false\\n' > "$1/etc/passwd"
printf 'root:x:0:\\nnogroup:x:65534:\\n' > "$1/etc/group"`

/** What a Python without most of its library needs beside busybox; `python3` is its name. */
const pythonRecipe = `${recipe}
for folder in lib lib64 usr/bin usr/lib; do mkdir -p "$1/$folder" && cp -a "$3/$folder/." "$1/$folder"; done
rm -rf "$1"/usr/lib/*/gconv && ln -s /usr/bin/python3.11 "$1/bin/python3"`

/** What the machine's Node needs beside busybox, as the official image has it: `node` on the PATH, `/usr/bin/env`, and the libraries that it names. */
const nodeRecipe = `${recipe}
mkdir -p "$1/usr/local/bin" "$1/usr/bin" && cp "$4" "$1/usr/local/bin/node" && ln -s /bin/busybox "$1/usr/bin/env"
for library in $(ldd "$4" | grep -o '/[^ ]*'); do mkdir -p "$1/$(dirname "$library")" && cp -L "$library" "$1/$library"; done
# Node ${process.version}`

/** Path of a tar of busybox's file system, made once. */
export function busyboxTar(): string {
  return tarOf('busybox', recipe)
}

/** Path of a tar of a file system with this Node in it, made once. */
export function nodeTar(): string {
  return tarOf('node', nodeRecipe)
}

/** Path of a tar made once by the recipe. */
function tarOf(name: string, recipe: string): string {
  const path = join(cache, `${name}-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}.tar`)
  if (existsSync(path)) return path
  const directory = mkdtempSync(join(tmpdir(), `moorage-${name}-`))
  must('sh', ['-c', recipe, 'sh', join(directory, 'root'), commonProgram('busybox'), treePath('python'), process.execPath])
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

/** The same with a small Python: sockets, threads and regular expressions, but hardly more of its library. */
export async function importPython(engine: Engine, tag = 'python:latest'): Promise<string> {
  return engine.docker('import', '-c', 'CMD ["python3"]', '-c', 'ENV PATH=/bin', tarOf('python', pythonRecipe), tag)
}
