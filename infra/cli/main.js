#!/usr/bin/env node
// Plain JavaScript for any Node: it finds a Node that runs the rest, which is TypeScript in a checkout and compiled in a package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire, enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What undici and the type stripping need (undici's package.json, `engines`). */
const oldest = [22, 19]

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) await start()
else runBy(packagedNode())

async function start() {
  // A third of the time to start: before anything else is loaded, so that of TypeScript too only the cache is read. In the user's own cache
  // directory: what lies in a shared /tmp could be somebody else's code.
  enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'moorage', 'compiled'))
  await import(startFile())
}

function startFile() {
  const source = new URL('start.ts', import.meta.url)
  return existsSync(source) ? source.href : new URL('../../dist/infra/cli/start.js', import.meta.url).href
}

/** The Node that came with the dependencies. */
function packagedNode() {
  try {
    return createRequire(import.meta.url).resolve('node/bin/node')
  } catch {
    console.error(`moorage needs Node ${oldest.join('.')} or newer, this is ${process.versions.node}, and the one among its dependencies is not installed: npm ci (with install scripts of the package "node" allowed)`)
    process.exit(2)
  }
}

/** @param {string} node */
function runBy(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}
