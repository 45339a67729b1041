/** Milliseconds since some moment, by a clock that never jumps, whatever becomes of the time of day: for measuring how long ago something was. */
export const monotonic = (): number => performance.now()
