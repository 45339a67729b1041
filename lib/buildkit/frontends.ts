import { notAllowed } from './refusals.ts'

/** The Dockerfile frontend is built in; `gateway.v0` fetches one as an image, which is fine when it is the same one. */
export function frontendOf(frontend: string, options: Readonly<Record<string, string>>): string {
  if (frontend === '' || frontend === 'dockerfile.v0') return frontend
  if (frontend === 'gateway.v0' && /^(docker\.io\/)?docker\/dockerfile(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/.test(options.source ?? '')) return 'dockerfile.v0'
  throw notAllowed(`the frontend ${(options.source ?? frontend).slice(0, 200)}`, 'it would run inside the engine, where nobody sees what it does', 'use Dockerfiles, or send LLB')
}
