import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Module specifiers that a TypeScript source imports when it runs; imports of types alone are none. */
export function importsOf(source: string): string[] {
  const statements = source.matchAll(/^\s*(?:import|export)\s+(?!type\b)(?:[^'"();]*?\sfrom\s*)?['"]([^'"]+)['"]/gm)
  const calls = source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
  return [...statements, ...calls].map(([, specifier = '']) => specifier)
}

/** The files that a file imports, itself first, however far; paths as `join` makes them. */
export function reachableFrom(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(file)) return seen
  seen.add(file)
  if (!file.endsWith('.ts')) return seen
  for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
    if (specifier.startsWith('.')) reachableFrom(join(dirname(file), specifier), seen)
  }
  return seen
}
