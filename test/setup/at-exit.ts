const works = new Set<() => void>()

process.once('exit', () => {
  for (const work of works) work()
})

/** Does this when the process ends by itself; what must happen at any end needs another process. Returns how to take it back. */
export function atExit(work: () => void): () => void {
  works.add(work)
  return () => void works.delete(work)
}
