import { bad } from './archive-names.ts'

/** The part of a tar header that decides what an entry is. */
export interface EntryHeader {
  name: string
  type?: string | null
  linkname?: string | null
}

/** An entry as it may be unpacked: a path without surprises. */
export interface CheckedEntry {
  /** Relative, without `.`, `..`, empty components or a trailing slash. */
  name: string
  type: 'file' | 'directory' | 'symlink'
  linkname?: string
}

/** Characters of all names and what remembering one takes beside them; names are remembered until the end. */
const [mostRemembered, perEntry] = [32 * 1024 * 1024, 100]

/** Old archives link a layer they hold twice. */
const legacyLink = { name: /^[0-9a-f]{64}\/layer\.tar$/, target: /^\.\.\/[0-9a-f]{64}\/layer\.tar$/ } as const

/**
 * Checks the entries of one archive in order. What could put a second, unseen file in the place of one with names in it (links,
 * roundabout paths, repeated entries) is refused: no `docker save` writes it. Undefined for entries that stand for nothing.
 */
export function entryChecker(): (header: EntryHeader) => CheckedEntry | undefined {
  const seen = new Map<string, string>()
  let room = mostRemembered
  return (header) => {
    const type = header.type ?? 'file'
    room -= header.name.length + perEntry
    if (room < 0) throw bad('it has more entries than any image')
    const name = cleanPath(header.name)
    if (name === '') return undefined
    const before = seen.get(name)
    if (before === 'directory' && type === 'directory') return undefined
    if (before !== undefined) throw bad(`it holds ${name} twice`)
    seen.set(name, type)
    refuseInsideFile(name, seen)
    if (type === 'file' || type === 'directory') return { name, type }
    if (type === 'symlink') return { name, type, linkname: checkedLink(name, header.linkname ?? '') }
    throw bad(`${name} is a ${type}, not a file, directory or link to a layer`)
  }
}

function cleanPath(path: string): string {
  const parts = path.split('/')
  if (path.startsWith('/') || parts.includes('..')) throw bad(`the path ${JSON.stringify(path)} leaves the archive`)
  if (path.includes('\0') || path.includes('\\')) throw bad(`the path ${JSON.stringify(path)} has characters that no image file has`)
  return parts.filter((part) => part !== '' && part !== '.').join('/')
}

function refuseInsideFile(name: string, seen: ReadonlyMap<string, string>): void {
  const parts = name.split('/')
  for (let depth = 1; depth < parts.length; depth++) {
    const parent = parts.slice(0, depth).join('/')
    if (seen.has(parent) && seen.get(parent) !== 'directory') throw bad(`${name} is inside ${parent}, which is no directory`)
  }
}

function checkedLink(name: string, target: string): string {
  if (!legacyLink.name.test(name) || !legacyLink.target.test(target)) throw bad(`${name} links to ${JSON.stringify(target)}`)
  return target
}
