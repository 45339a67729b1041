/** A page of the reference: its title, what it is about, and its parts. */
export function page(title: string, ...parts: string[]): string {
  return `<!-- Made by \`node test/data/publish-schemas.ts\` from the code; change that. -->\n# ${title}\n\n${parts.join('\n\n')}\n`
}

/** A table; cells are Markdown of their own, bars in them are escaped. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Text as code; nothing for nothing. */
export function code(text: string | undefined): string {
  return text === undefined || text === '' ? '' : `\`${text}\``
}

/** A sentence: what begins small in a help text begins large on a page, and ends. */
export function sentence(text: string): string {
  return text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?:]$/.test(text) ? '' : '.'}`
}
