import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml'

/** What a config file says, and where it says it. */
export interface ConfigFile {
  /** The file as plain data; an empty file is an empty map. */
  value: unknown
  /** What is wrong with its syntax, each with file, line and column. */
  problems: string[]
  /** `file:line:column` of the value at a path, of the key when it has none, or of the nearest thing above. */
  place(path: readonly string[], what: 'key' | 'value'): string
}

/** Reads YAML 1.2. Throws nothing: what cannot be read is in `problems`. */
export function parseConfigFile(file: string, text: string): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const problems = [...document.errors, ...document.warnings].map((error) => `${at(error.pos[0])}: ${error.message}`)
  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document)) problems.push(`${at(alias.range?.[0] ?? 0)}: no anchor &${alias.source} before this alias`)
    },
  })
  const value = problems.length > 0 ? {} : plain(document, (why) => problems.push(`${file}: ${why}`))
  return { value, problems, place: (path, what) => at(offsetOf(document, path, what)) }
}

function plain(document: Document, complain: (why: string) => void): unknown {
  try {
    return document.toJS() ?? {}
  } catch (error) {
    // Aliases that multiply beyond the library's limit.
    complain(error instanceof Error ? error.message : String(error))
    return {}
  }
}

function offsetOf(document: Document, path: readonly string[], what: 'key' | 'value'): number {
  const node = document.getIn(path, true)
  if (what === 'value' && isNode(node) && node.range && !(isScalar(node) && node.source === '')) return node.range[0]
  const parent = document.getIn(path.slice(0, -1), true)
  const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1)) : undefined
  if (pair && isNode(pair.key) && pair.key.range) return pair.key.range[0]
  if (path.length > 0) return offsetOf(document, path.slice(0, -1), 'value')
  return isCollection(document.contents) ? document.contents.range?.[0] ?? 0 : 0
}
