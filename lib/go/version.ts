/**
 * API versions compared number by number (moby api/types/versions): 1.9 < 1.24 and 1.41 = 1.41.0.
 * Parts that are not decimal numbers count as 0. Returns -1, 0 or 1.
 */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.')
  const right = b.split('.')
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = part(left[i]) - part(right[i])
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

function part(text: string | undefined): number {
  if (text === undefined || !/^[+-]?[0-9]+$/.test(text)) return 0
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(text)))
}
