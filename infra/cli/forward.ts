import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { ApiRefusal, dockerApi, type DockerApi } from '../forward/docker-api.ts'
import { forwarder, type Forwarder, type ForwardTalk } from '../forward/forwarder.ts'
import { exitCodes, Failure } from './failure.ts'
import { addManual, type Manual } from './manual.ts'
import { printable } from './text.ts'

const manual: Manual = {
  about: `Runs beside the job, with the DOCKER_* variables that moorage open prints. What containers publish with -p 8080:80 appears at localhost:8080,
what they publish without a number at the one that docker port shows; a moment after the container has started, and until it stops.
With a COMMAND it runs that one meanwhile and ends with its exit code; otherwise it ends by a signal, or when the namespace is closed.`,
  environment: { DOCKER_HOST: 'the namespace', DOCKER_CERT_PATH: 'directory of its certificates', DOCKER_TLS_VERIFY: 'as docker takes it' },
  exits: { 0: 'done', 1: 'failed', 2: 'wrong usage', 3: 'refused by the gateway, or any code of COMMAND' },
  examples: ['eval "$(moorage open)"', 'moorage forward -- npm test'],
}

/** `moorage forward`. */
export function define(command: Command): void {
  addManual(command, manual).argument('[COMMAND...]', 'what to run while ports are forwarded')
    .option('--address <IP>', 'where ports appear on this machine; may be repeated (default 127.0.0.1 and ::1)', (one: string, before: string[] = []) => [...before, one])
    .passThroughOptions().action(forward)
}

async function forward(words: string[], { address = ['127.0.0.1', '::1'] }: { address?: string[] }): Promise<void> {
  const api = attempt(() => dockerApi(process.env))
  const ports = forwarder(api, address, talk)
  const ending = new AbortController()
  const followed = follow(api, ports, ending.signal)
  const end = words.length > 0 ? followed.ready.then(() => run(words)) : signalled()
  const code = await Promise.race([end, followed.ended]).finally(() => {
    ending.abort()
    ports.stop()
  })
  if (code !== exitCodes.done) throw new Failure('', code)
}

const say = (line: string) => process.stderr.write(`${line}\n`)

const talk: ForwardTalk = {
  opened: ({ container, port, gatewayPort }, local) => say(`localhost:${local} leads to ${port} of ${printable(container)} (port ${gatewayPort} of the gateway)`),
  closed: ({ container, port }, local) => say(`localhost:${local} leads to ${port} of ${printable(container)} no more`),
  inUse: ({ container, port, local, gatewayPort }) => say(`localhost:${local.first} is in use on this machine, so ${port} of ${printable(container)} is only at port ${gatewayPort} of the gateway`),
}

/** Milliseconds in which a gateway may come back. */
const patience = 120_000

/** Follows the namespace's containers until the signal aborts, over losses of the connection. `ended` resolves when the namespace is over. */
function follow(api: DockerApi, ports: Forwarder, signal: AbortSignal): { ready: Promise<void>; ended: Promise<number> } {
  let isReady!: () => void
  let lastMet = 0
  const ready = new Promise<void>((resolve) => { isReady = resolve })
  const events = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ['container'], event: ['start', 'die', 'destroy'] }))}`
  async function once(): Promise<void> {
    // Before the look at what runs, so that nothing is missed in between.
    const changes = await api.lines(events, signal)
    await ports.refreshAll()
    isReady()
    lastMet = Date.now()
    for await (const { Actor } of changes) await ports.refresh(Actor.ID)
    lastMet = Date.now()
  }
  async function always(): Promise<number> {
    while (!signal.aborted) {
      const error = await once().then(() => undefined, (reason: Error) => reason)
      if (error instanceof ApiRefusal && [401, 403].includes(error.status)) {
        if (lastMet === 0) throw new Failure(error.message, exitCodes.refused)
        return exitCodes.done
      }
      if (error && !signal.aborted && Date.now() - lastMet > patience) {
        throw new Failure(`The namespace cannot be reached (${error.message}); set the DOCKER_* variables that moorage open prints, and look whether the gateway runs`, exitCodes.failed, { cause: error })
      }
      await sleep(500, undefined, { signal }).catch(() => {})
    }
    return exitCodes.done
  }
  return { ready, ended: always() }
}

/** Runs the command with this terminal and tells its exit code, or 128 and its signal as shells do. */
function run([file = '', ...words]: string[]): Promise<number> {
  const child = spawn(file, words, { stdio: 'inherit' })
  // The terminal sends these to the command as well, which decides.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Failure(`${file} cannot be run: ${error.message}`, exitCodes.failed, { cause: error })))
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}

function signalled(): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(exitCodes.done))
  })
}

function attempt(make: () => DockerApi): DockerApi {
  try {
    return make()
  } catch (error) {
    throw new Failure(`DOCKER_HOST and DOCKER_CERT_PATH cannot be used: ${(error as Error).message}; set the variables that moorage open prints`, exitCodes.usage, { cause: error })
  }
}
