/** Milliseconds since some moment, by a clock that never jumps, whatever becomes of the time of day: for measuring how long ago something was. */
export const monotonic = (): number => performance.now()

/** The time of day by which namespaces are opened and end. It goes on evenly while the clock that it was taken from is set forward or back. */
export interface HouseClock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Compares it with the clock it is taken from; to be called every few seconds. Rejects when that cannot be asked. */
  check(): Promise<void>
}

export interface ClockParts {
  /** The clock that all gateways of a store share. */
  ask(): Promise<number>
  monotonic(): number
  /** That clock was set by so many milliseconds, which is not believed yet; 0 when it is back. */
  onSet(by: number): void
  /** It stayed so, and `now` is about to be believed: what used to be the end of a time is none. */
  onBelieved(now: number): Promise<void>
}

/** Milliseconds that clocks may differ without having been set. */
const tolerance = 5_000

/** Milliseconds for which a clock that was set is not believed: most that is set wrongly is set right sooner. */
const believedAfter = 600_000

/** The clock of `HouseClock`; `check` is to be called regularly. */
export function houseClock({ ask, monotonic, onSet, onBelieved }: ClockParts): HouseClock {
  /** What is to be added to the monotonic clock; undefined before the first look. */
  let offset: number | undefined
  let set: { since: number; by: number } | undefined
  const now = () => Math.round(monotonic() + (offset ?? 0))

  return {
    now,
    async check() {
      const before = monotonic()
      const told = await ask()
      const after = monotonic()
      // An answer that took long says little of when it was given.
      if (after - before > tolerance) return
      const found = told - after
      offset ??= found
      const by = found - offset
      if (Math.abs(by) <= tolerance) {
        offset = found
        if (set) onSet(0)
        set = undefined
        return
      }
      if (set === undefined || Math.abs(by - set.by) > tolerance) {
        set = { since: after, by }
        onSet(by)
      }
      if (after - set.since < believedAfter) return
      await onBelieved(Math.round(monotonic() + found))
      offset = found
      set = undefined
    },
  }
}
