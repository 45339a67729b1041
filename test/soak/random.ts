/** Chance that can be had again by its seed. */
export interface Random {
  /** A whole number from 0 on, below the limit. */
  below(limit: number): number
  pick<T>(all: readonly T[]): T
}

/** Numbers of a linear congruential generator (Numerical Recipes). */
export function random(seed: number): Random {
  let state = seed >>> 0
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * limit)
  }
  return { below, pick: (all) => all[below(all.length)]! }
}
