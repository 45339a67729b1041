import type { TurnStore } from '../../../lib/turns.ts'
import type { Client } from './client.ts'

/** Hash of all turns: key → holder, end in milliseconds and note, a line each. */
const turnsKey = 'moorage:turns'

/** Turns in Redis, whose clock is that of all gateways. Throws `Refusal` 503 while it is away. */
export function redisTurns({ script }: Pick<Client, 'script'>): TurnStore {
  return {
    async take({ key, holder, ms }) {
      const [taken, left] = await script<[number, string?]>('moorageTakeTurn', [turnsKey], key, holder, ms)
      return { taken: taken === 1, ...(left !== undefined && { left }) }
    },
    keep: async ({ key, holder, ms, note }) => await script('moorageKeepTurn', [turnsKey], key, holder, ms, ...(note === undefined ? [] : [note])) === 1,
    end: async (key, holder) => void await script('moorageEndTurn', [turnsKey], key, holder),
    left: async () => (await script<string[]>('moorageLeftTurns', [turnsKey])).sort(),
  }
}
