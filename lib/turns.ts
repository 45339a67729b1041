/**
 * Turns: what only one may do at a time, in whichever gateway of a store.
 *
 * A turn that was not ended stays on record with its note when its time is over: its holder died or lost the store. Whoever takes it next,
 * or looks for such turns, learns from the note what was left behind.
 */

/** The record of turns; sqlite and redis keep one beside their store. Times are the store's. */
export interface TurnStore {
  /** Takes a turn, or keeps it when it is the holder's already, for `ms` milliseconds from now, fewer than `longerThanAny`. `left`: the note of a last holder who did not end it. */
  take(turn: { key: string; holder: string; ms: number }): Promise<{ taken: boolean; left?: string }>
  /** Prolongs the holder's turn, with a new note when one is given. False when it is no longer his. */
  keep(turn: { key: string; holder: string; ms: number; note?: string }): Promise<boolean>
  /** Ends the holder's turn; another's stays. */
  end(key: string, holder: string): Promise<void>
  /** Keys of turns whose time is over and that were not ended. */
  left(): Promise<string[]>
}

/** A turn while it lasts. */
export interface Turn {
  /** What the last holder noted, when he did not end his turn. */
  readonly left: string | undefined
  /** Aborted when the turn is lost: the store did not answer for too long. */
  readonly lost: AbortSignal
  /** Records what is to be put in order should this holder die from here on, '' for nothing. Throws when the turn is lost. */
  note(text: string): Promise<void>
  /** The work does not know what it leaves behind: the turn is not ended, and found when its time is over. */
  abandon(): void
}

export interface Turns {
  /**
   * Runs `work` when it is its turn, first come first served inside one gateway. The turn ends with the work. Aborting the signal ends
   * waiting, not the work; its reason is then thrown.
   */
  inTurn<T>(key: string, work: (turn: Turn) => Promise<T>, signal?: AbortSignal): Promise<T>
  left(): Promise<string[]>
}
