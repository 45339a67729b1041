import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * `node infra/hosts/helper/build.ts`: compiles groups.c for every architecture an engine may have and writes the programs into
 * lib/groups/program.ts. Needed only when groups.c changes; wants gcc and gcc-aarch64-linux-gnu (Debian), or others by CC_AMD64 and CC_ARM64.
 */
const source = join(import.meta.dirname, 'groups.c')
const target = join(import.meta.dirname, '../../../lib/groups/program.ts')

/** By the engine's word for the architecture (`GET /info`, Architecture). */
const compilers = {
  x86_64: [process.env['CC_AMD64'] ?? 'x86_64-linux-gnu-gcc', '-fcf-protection=none'],
  aarch64: [process.env['CC_ARM64'] ?? 'aarch64-linux-gnu-gcc'],
}

const flags = [
  '-Os', '-static', '-nostdlib', '-ffreestanding', '-fno-builtin', '-fno-stack-protector', '-fno-asynchronous-unwind-tables',
  '-fno-tree-loop-distribute-patterns', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror', '-Wl,--build-id=none,-n,-z,noexecstack', '-s',
]

function compiled([compiler, ...more]: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-helper-'))
  const { status, stderr, error } = spawnSync(compiler!, [...flags, ...more, '-o', join(directory, 'groups'), source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${compiler}: ${error?.message ?? stderr}`)
  const program = readFileSync(join(directory, 'groups')).toString('base64')
  rmSync(directory, { recursive: true })
  return program
}

const lines = Object.entries(compilers).map(([architecture, compiler]) => `  ${architecture}: '${compiled(compiler)}',`)
writeFileSync(target, `/** Written by infra/hosts/helper/build.ts from groups.c, whose SHA-256 this is; not edited by hand. */
export const sourceDigest = '${createHash('sha256').update(readFileSync(source)).digest('hex')}'

/** The helper's program in base64, by the engine's word for its architecture. */
export const programs: Readonly<Record<string, string>> = {
${lines.join('\n')}
}
`)
