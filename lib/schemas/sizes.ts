/** Sizes as the engine's options write them. */

const units: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** Bytes of `64m`, `1G`, `512kb`, `100` (docker/go-units, RAMInBytes, whole numbers only), or undefined when it is not a size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15}) ?([kmgt]?)(?:i?b)?$/i.exec(text)
  if (match === null) return undefined
  const bytes = Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** `1 GiB`, `6 MiB`, `1000 bytes`: for sentences. */
export function sizeWords(bytes: number): string {
  const unit = (['GiB', 'MiB', 'KiB'] as const).find((_, index) => bytes !== 0 && bytes % 1024 ** (3 - index) === 0)
  const divisor = unit === 'GiB' ? 1024 ** 3 : unit === 'MiB' ? 1024 ** 2 : 1024
  return unit === undefined ? `${bytes} bytes` : `${bytes / divisor} ${unit}`
}
