import { configSchema } from '../../../infra/config-schema.ts'
import { policySchema } from '../../../lib/policy.ts'
import { presets } from '../../../lib/presets.ts'
import { stringify } from 'yaml'
import { code, page, sentence, table } from './markdown.ts'
import { settingsOf, type Shown } from './settings.ts'

/** docs/reference/configuration.md. */
export function configuration(): string {
  const all = settingsOf(configSchema, { skip: ['policies'] })
  const [byFlag, inFile] = [all.filter(({ ways }) => ways.flag), all.filter(({ ways }) => !ways.flag)]
  return page('Configuration', 'A setting is taken from its flag of `moorage serve`, then its environment variable, then the YAML file that `--config FILE` or `MOORAGE_CONFIG` names, then its '
    + 'default. Flags that take several values are repeated, variables separate them by commas. `moorage check FILE` tells what is wrong with a file, by line and '
    + 'column. SIGHUP takes `policies` and `oidc` anew; everything else is taken at the next start. Relative paths start at the working directory.',
  '## By flag, variable or file',
  table(['key', 'flag', 'variable', 'type', 'default', 'meaning'], byFlag.map(({ path, ways, type, fallback, about }) =>
    [code(path), code(`--${ways.flag} ${ways.value}`), code(ways.env), type, fallback === 'required' ? '' : code(fallback), meaning({ ways, about })])),
  '## In the file only',
  table(['key', 'type', 'default', 'meaning'], inFile.map(({ path, type, fallback, about }) => [code(path), type, optional(fallback), sentence(about)])),
  '`policies` has [a page of its own](policy.md).')
}

/** docs/reference/policy.md. */
export function policy(): string {
  const changes = Object.entries(presets).filter(([name]) => name !== 'default')
  return page('Policies', 'A policy is the limits and switches of a class of namespaces: `policies.NAME` in [the config file](configuration.md). A namespace is opened with the policy '
    + '`default`, or with another that its opener may use (`moorage open --policy NAME`). Counts are of objects at one time, memory is in bytes, times are in seconds.',
  table(['key', 'type', 'default', 'meaning'], settingsOf(policySchema).map(({ path, type, fallback, about }) => [code(path), type, fallback === '' ? '' : code(fallback), sentence(about)])),
  '`moorage policy suggest` writes the change of a policy under which none of the calls of an audit stream would have been refused. What holds where: [limits](../limits.md).',
  '## Presets',
  'Every gateway has these beside `default`, until its config writes others of their names.',
  ...changes.map(([name, preset]) => `### \`${name}\`\n\`\`\`yaml\n${stringify(difference(preset, presets.default))}\`\`\``))
}

/** What one map says otherwise than another. */
function difference(one: object, other: object): object {
  const entries = Object.entries(one).map(([key, value]) => {
    const before = (other as Record<string, unknown>)[key]
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
    return [key, isMap ? difference(value, before as object) : JSON.stringify(value) === JSON.stringify(before) ? undefined : value]
  })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && (Array.isArray(value) || typeof value !== 'object' || Object.keys(value).length > 0)))
}

function meaning({ ways, about }: Pick<Shown, 'ways' | 'about'>): string {
  return [ways.comment ?? '', about].filter(Boolean).map(sentence).join(' ')
}

function optional(fallback: string): string {
  return fallback === '' || fallback === 'required' ? fallback : code(fallback)
}
