import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Module specifiers that a TypeScript source imports when it runs; with `types`, also those that it imports types alone from. */
export function importsOf(source: string, { types = false } = {}): string[] {
  const statements = source.matchAll(/^\s*(?:import|export)\s+(type\b)?(?:[^'"();]*?\sfrom\s*)?['"]([^'"]+)['"]/gm)
  const calls = source.matchAll(/(\b)import\(\s*['"]([^'"]+)['"]/g)
  return [...statements, ...calls].filter(([, type]) => types || !type).map(([, , specifier = '']) => specifier)
}

/** The files that a file imports, itself first, however far; paths as `join` makes them. `types` as above. */
export function reachableFrom(file: string, options: { types?: boolean } = {}, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(file)) return seen
  seen.add(file)
  if (!file.endsWith('.ts')) return seen
  for (const specifier of importsOf(readFileSync(file, 'utf8'), options)) {
    if (specifier.startsWith('.')) reachableFrom(join(dirname(file), specifier), options, seen)
  }
  return seen
}
