import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Gateway } from './gateway.ts'

/** Asks the control API as the operator, or as who bears the token, on a connection of its own. */
export async function controlApi({ url, stateDir }: Pick<Gateway, 'url' | 'stateDir'>, method: string, path: string, body?: object,
  token = readFileSync(join(stateDir, 'operator-token'), 'utf8').trim()): Promise<{ status: number; json: any }> {
  const asked = request(new URL(path, url), { method, agent: false, rejectUnauthorized: false, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } })
  asked.end(body && JSON.stringify(body))
  const [answer] = await once(asked, 'response')
  return { status: answer.statusCode, json: JSON.parse(await text(answer)) }
}
