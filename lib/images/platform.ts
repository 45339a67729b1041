import { platformComplaint } from '../go/platform.ts'
import { parseRequestJson } from '../json.ts'
import type { QueryField } from '../query.ts'
import { Refusal } from '../refusal.ts'
import { parseBody, pass, struct, text, textList, type ReadBy } from '../schema.ts'

/** `os[/architecture[/variant]]` (containerd, platforms.Parse), as pulls, imports and builds are asked for; nothing is the engine's own. */
export const platformName: QueryField<string | undefined> = (values) => {
  const name = values?.[0]
  if (name === undefined || name === '') return undefined
  const complaint = name.length > 128 ? 'invalid platform: it is longer than any' : platformComplaint(name)
  if (complaint !== undefined) throw new Refusal(400, complaint)
  return name
}

const platform = struct('v1.Platform', {
  architecture: pass(text), os: pass(text), 'os.version': pass(text), 'os.features': pass(textList), variant: pass(text),
})

/** A platform as JSON (OCI image-spec, descriptor.md), as pushes, saves and loads are asked for; rebuilt. */
export const platformJson: QueryField<string | undefined> = (values, key) => {
  const given = values?.[0]
  if (given === undefined || given === '') return undefined
  if (values!.length > 1) throw new Refusal(400, 'multiple platform parameters not supported')
  try {
    return JSON.stringify(parseBody(platform, parseRequestJson(new TextEncoder().encode(given)), key) satisfies ReadBy<typeof platform>)
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(400, `failed to parse platform: ${error.message.replace(/^invalid JSON: /, '')}`) : error
  }
}
