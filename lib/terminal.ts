import { Refusal } from './refusal.ts'

/** One side of a terminal: an unsigned 32-bit number that must be there (moby, api/server/httputils Uint32Value). */
const dimension = (name: string) => (values: readonly string[] | undefined): number => {
  const value = values?.[0] ?? ''
  const complaint = !/^-?\d+$/.test(value) ? 'invalid syntax' : value.startsWith('-') || Number(value) > 0xffff_ffff ? 'value out of range' : undefined
  if (complaint !== undefined) throw new Refusal(400, `invalid resize ${name} ${JSON.stringify(value)}: ${complaint}`)
  return Number(value)
}

/** Query of the resize endpoints: rows and columns. */
export const resizeQuery = { h: dimension('height'), w: dimension('width') }
