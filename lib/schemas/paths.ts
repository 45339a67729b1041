/** Paths inside containers, as Go's package path sees them. Pure text; nothing is looked up. */

/** Go's path.Clean: no `.`, no `..` that can be resolved, no double or trailing slashes. */
export function cleanPath(path: string): string {
  const isAbsolute = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (!isAbsolute) parts.push(part)
  }
  return (isAbsolute ? '/' : '') + parts.join('/') || '.'
}

/** Go's filepath.IsLocal: relative, not empty and never above where it starts. */
export function isLocalPath(path: string): boolean {
  const cleaned = cleanPath(path)
  return path !== '' && !path.startsWith('/') && cleaned !== '..' && !cleaned.startsWith('../')
}

/** What the engine says about a mount target (daemon/volume/mounts, linux_parser.go), or undefined when it is fine. */
export function targetFault(target: string): string | undefined {
  if (target === '') return 'field Target must not be empty'
  const slashed = target.replaceAll('\\', '/')
  if (cleanPath(slashed) === '/') return "invalid specification: destination can't be '/'"
  // The engine takes `\x` for absolute and then mounts at a relative path; only a slash is one here.
  return target.startsWith('/') ? undefined : `invalid mount path: '${target}' mount path must be absolute`
}
