/** Who opens, lists and closes namespaces through the control API. */
export interface Opener {
  /**
   * Recorded with the namespaces it opens (`namespace.by`): `operator`, `token:NAME`, or `ISSUER#SUBJECT` of an OIDC token. Namespaces are
   * listed and closed only by who opened them, and by operators.
   */
  readonly name: string
  /** May do everything, with every namespace. */
  readonly operator: boolean
  /** What its namespaces are opened with, whatever is asked for; undefined leaves the choice to who asks. */
  readonly grant: Grant | undefined
}

/**
 * Uses an opener's token for a namespace that is about to be opened: a CI's token opens one. Throws `Refusal` 401 the second time. Answers how to
 * give it back when none was opened.
 */
export type Use = () => Promise<() => Promise<void>>

/** What a rule or a token lets its bearer open. */
export interface Grant {
  /** Policies that may be asked for; the first is the default. */
  readonly policies: readonly string[]
  /** The trust domain; undefined for one of the namespace's own. */
  readonly domain: string | undefined
  /** Label when none is asked for. */
  readonly label: string
  /** Seconds a namespace may live at most, below the policy's lifetime. */
  readonly lifetime: number | undefined
  /** Namespaces that may be there at one time, those that are closing too. */
  readonly namespaces?: number
}

export const operator: Opener = { name: 'operator', operator: true, grant: undefined }

/** May this opener see and close what `by` opened? */
export function maySee(opener: Opener, by: string): boolean {
  return opener.operator || opener.name === by
}
