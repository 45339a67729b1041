declare const written: unique symbol

/** A path of the engine's API, without version prefix and query. Only `at` writes one: all in it is the gateway's own text, or encoded. */
export type EnginePath = string & { readonly [written]: true }

/**
 * Writes a path of the engine's API, as in at`/containers/${id}/json`. Holes take ids, stored names and references: their slashes stay, and
 * whatever would end the path is percent-encoded. Throws for an empty hole and for one with an empty, `.` or `..` element, which the engine's
 * router would clean away, so that the path named something else.
 */
export function at(texts: TemplateStringsArray, ...holes: readonly string[]): EnginePath {
  return String.raw({ raw: texts }, ...holes.map(encoded)) as EnginePath
}

function encoded(hole: string): string {
  if (/(?:^|\/)\.{0,2}(?:\/|$)/.test(hole)) throw new Error(`${JSON.stringify(hole)} is no part of an engine's path`)
  return encodeURIComponent(hole).replace(/%(?:2F|3A|40)/g, decodeURIComponent)
}
