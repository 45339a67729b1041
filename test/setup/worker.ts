import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import { root } from './paths.ts'
import { until } from './processes.ts'

/** The Worker on wrangler's local runtime. */
export interface Worker {
  /** `http://127.0.0.1:PORT` */
  url: string
  log(): string
  stop(): Promise<void>
}

/** Starts `wrangler dev` with these variables, without any network but loopback. It ends with this process. */
export async function startWorker(variables: Record<string, string>): Promise<Worker> {
  const home = mkdtempSync(join(tmpdir(), 'moorage-worker-'))
  let log = ''
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', process.execPath, join(root, 'node_modules/wrangler/bin/wrangler.js'), 'dev', '--ip', '127.0.0.1', '--port', '0',
    '--inspector-port', '0', '--show-interactive-dev-session=false', '--persist-to', home, ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`])], {
    cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    env: {
      PATH: process.env['PATH'], HOME: home, CI: 'true', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_LOG_PATH: join(home, 'logs'), XDG_CONFIG_HOME: home,
    },
  })
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { log += text })
  const clear = () => {
    // Its own group: wrangler starts the runtime as a child.
    if (child.pid !== undefined) {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
  const forget = atExit(clear)
  let url = ''
  await until(() => {
    if (child.exitCode !== null) throw new Error(`The Worker did not start:\n${log}`)
    url = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1] ?? ''
    return url !== ''
  }, `The Worker is ready, having said: ${log}`, 120_000)
  return {
    url, log: () => log,
    async stop() {
      const ended = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit')
      clear()
      await ended
      forget()
    },
  }
}

/** Serves a unix socket at a port of loopback: `tcp://127.0.0.1:PORT`, for what can reach no unix sockets. */
export async function serveAtPort(socketPath: string): Promise<{ url: string; stop(): void }> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ path: socketPath, allowHalfOpen: true })
    for (const [one, other] of [[near, far], [far, near]] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy()).on('close', () => { sockets.delete(one); other.destroy() })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
