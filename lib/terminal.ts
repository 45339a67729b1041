import { Refusal } from './refusal.ts'

/** One side of a terminal: an unsigned 32-bit number that must be there (moby, api/server/router/container postContainersResize). */
const dimension = (name: string) => (values: readonly string[] | undefined): number => {
  const value = values?.[0] ?? ''
  if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffff_ffff) {
    throw new Refusal(400, `invalid resize ${name} ${JSON.stringify(value)}: invalid syntax`)
  }
  return Number(value)
}

/** Query of the resize endpoints: rows and columns. */
export const resizeQuery = { h: dimension('height'), w: dimension('width') }
