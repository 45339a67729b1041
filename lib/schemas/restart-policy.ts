/** `RestartPolicy` (api/types/container/hostconfig.go, ValidateRestartPolicy). */
import { Refusal } from '../refusal.ts'
import { int, pass, struct, text } from '../schema.ts'

const names = ['no', 'always', 'on-failure', 'unless-stopped']

export const restartPolicy = struct('container.RestartPolicy', {
  Name: pass(text),
  MaximumRetryCount: pass(int),
}, {
  after({ Name: name = '', MaximumRetryCount: retries = 0 }, at) {
    const refuse = (why: string) => new Refusal(400, `invalid restart policy: ${why}`, at)
    if (name === '') return
    if (!names.includes(name)) {
      throw refuse(`unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`)
    }
    if (name === 'on-failure' && retries < 0) throw refuse('maximum retry count cannot be negative')
    if (name === 'on-failure' || retries == 0) return
    throw refuse(`maximum retry count can only be used with 'on-failure'${retries < 0 ? ' and cannot be negative' : ''}`)
  },
})
