import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { loadConfig } from '../../infra/config.ts'
import { metrics } from '../../infra/observe/metrics.ts'
import { clientEnvironment } from '../setup/cli.ts'
import { must } from '../setup/command.ts'
import { startEngine } from '../setup/engine.ts'
import { install } from '../setup/install.ts'
import { dockerPath, root, treePath } from '../setup/paths.ts'

const file = (name: string) => join(root, 'infra/deploy', name)
const text = (name: string) => readFileSync(file(name), 'utf8')

describe('what operators deploy', () => {
  before(() => install('prometheus'))

  test('has alert rules that promtool accepts', () => {
    assert.match(must(join(treePath('prometheus'), 'usr/bin/promtool'), ['check', 'rules', file('alerts.yaml')]), /SUCCESS: 7 rules found/)
  })

  test('asks in alerts and in the dashboard only for metrics that a gateway has', async () => {
    const { text: exposition } = await metrics({ connections: () => 0, hosts: () => [], namespaces: async () => [] }).exposition()
    const known = new Set([...exposition.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!))
    const expressions: string[] = [
      ...parse(text('alerts.yaml')).groups.flatMap((group: any) => group.rules.map((rule: any) => rule.expr)),
      ...JSON.parse(text('grafana.json')).panels.flatMap((panel: any) => panel.targets.map((target: any) => target.expr)),
    ]
    const asked = expressions.flatMap((expression) => [...expression.matchAll(/\b(?:moorage|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name.replace(/_bucket$/, '')))
    assert.ok(asked.length > 15)
    assert.deepEqual(asked.filter((name) => !known.has(name)), [])
  })

  test('has a dashboard whose panels say what they show and stand beside one another', () => {
    const { panels } = JSON.parse(text('grafana.json'))
    const places = new Set<string>()
    for (const { title, description, gridPos: { x, y, w, h } } of panels) {
      assert.ok(title && description)
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          assert.ok(column < 24 && !places.has(`${column} ${line}`), `${title} lies over another panel`)
          places.add(`${column} ${line}`)
        }
      }
    }
  })

  test('has a config file that is accepted', () => {
    const config = loadConfig({ flags: { config: file('moorage.yaml') }, env: {}, readFile: (path) => readFileSync(path, 'utf8') })
    assert.equal(config.hosts[0]?.name, 'engine-1')
  })

  test('has a compose file that compose accepts, with a gateway that is not root, cannot write and has no capabilities', () => {
    const docker = dockerPath('28.5')
    const { services } = JSON.parse(must(docker, ['compose', '-f', file('compose.yaml'), 'config', '--format', 'json'], { env: clientEnvironment({}) }))
    assert.equal(services.moorage.read_only, true)
    assert.deepEqual(services.moorage.cap_drop, ['ALL'])
    assert.match(text('Dockerfile'), /^USER 65532:65532$/m)
  })

  test('has a daemon.json that an engine starts with', async () => {
    const engine = await startEngine({ version: '28.5', daemon: JSON.parse(text('daemon.json')) })
    assert.equal(await engine.docker('info', '--format', '{{.LiveRestoreEnabled}}'), 'true')
    engine.stop()
  })

  test('has a unit that keeps every line to a setting systemd knows', () => {
    const lines = text('moorage.service').split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    assert.deepEqual(lines.filter((line) => !/^(\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.*)$/.test(line)), [])
  })
})
