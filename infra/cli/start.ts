#!/usr/bin/env node
// A reader that has seen enough (`moorage list | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const { run } = await import('./run.ts')
process.exit(await run(process.argv.slice(2)))
