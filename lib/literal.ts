/** The text itself as a regular expression, which JavaScript and Go read alike. */
export function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
