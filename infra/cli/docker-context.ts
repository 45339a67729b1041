import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { errorCode } from '../files.ts'
import { Failure } from './failure.ts'

const run = promisify(execFile)

/** Makes a docker context (`docker context create`) from its endpoint's settings: host, and ca, cert and key for TLS. */
export async function createContext(name: string, description: string, endpoint: Readonly<Record<string, string>>): Promise<void> {
  const settings = Object.entries(endpoint).map(([key, value]) => csvField(`${key}=${value}`)).join(',')
  await docker(['context', 'create', '--description', description, '--docker', settings, '--', name])
}

/** Throws a `Failure` when there is no docker command. */
export async function requireDocker(): Promise<void> {
  await docker(['--version'])
}

async function docker(parameters: string[]): Promise<void> {
  // A context these name may be gone, which docker complains about before it makes a new one.
  const { DOCKER_HOST: _host, DOCKER_CONTEXT: _context, ...env } = process.env
  await run('docker', parameters, { env }).catch((error: Error & { stderr?: string }) => {
    throw new Failure(errorCode(error) === 'ENOENT'
      ? 'There is no docker command to make a context with; install the Docker CLI, or leave --context out and use the exports'
      : `docker ${parameters.slice(0, 2).join(' ')} failed: ${error.stderr?.trim() || error.message}`)
  })
}

/** Docker reads the settings as a line of CSV (RFC 4180). */
function csvField(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
