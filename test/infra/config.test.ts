import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError, loadConfig, settings, type ConfigSources } from '../../infra/config.ts'
import { defaultPolicy } from '../../lib/policy.ts'
import { presets } from '../../lib/presets.ts'

interface Given {
  flags?: ConfigSources['flags']
  env?: ConfigSources['env']
  yaml?: string
  files?: Record<string, string>
}

/** The config from these sources; `yaml` is the config file `m.yaml`. */
function load({ flags = {}, env = {}, yaml, files = {} }: Given) {
  const all: Record<string, string> = yaml === undefined ? files : { ...files, 'm.yaml': yaml }
  const readFile = (path: string) => {
    const text = all[path]
    if (text === undefined) throw new Error(`no such file: ${path}`)
    return text
  }
  return loadConfig({ flags: yaml === undefined ? flags : { config: 'm.yaml', ...flags }, env: { HOME: '/home/op', ...env }, readFile })
}

function problems(given: Given): readonly string[] {
  try {
    load(given)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems
  }
  return []
}

describe('the config', () => {
  it('has a default for everything', () => {
    const config = load({})
    assert.deepEqual({ ...config, policies: { ...config.policies } }, {
      listen: { host: '127.0.0.1', port: 2376 },
      hosts: [{ name: 'engine', url: 'unix:///var/run/docker.sock', tls: undefined }],
      store: undefined,
      admission: { version: 'refuse', icc: 'warn', entitlements: 'ignore', pools: 'warn' },
      overcommit: { memory: 1, cpus: 4 },
      probe: { every: 5, patience: 20 },
      orphanGrace: 3600,
      drain: 10,
      state: '/home/op/.local/state/moorage',
      policies: { ...presets },
      images: { shared: [] },
      ports: { range: { first: 40000, last: 49999 }, reach: 'loopback' },
      controlGroups: 'best-effort',
      jobSockets: undefined,
      names: [],
      oidc: [],
      audit: undefined,
      log: 'info',
      logFormat: 'text',
    })
  })

  it('keeps its state in XDG_STATE_HOME when that is an absolute path', () => {
    assert.equal(load({ env: { XDG_STATE_HOME: '/var/state' } }).state, '/var/state/moorage')
    assert.equal(load({ env: { XDG_STATE_HOME: 'relative' } }).state, '/home/op/.local/state/moorage')
  })

  it('takes a setting from the flag before the environment, the file and the default', () => {
    const yaml = 'log: warn'
    assert.equal(load({ yaml }).log, 'warn')
    assert.equal(load({ yaml, env: { MOORAGE_LOG: 'error' } }).log, 'error')
    assert.equal(load({ yaml, env: { MOORAGE_LOG: 'error' }, flags: { log: 'debug' } }).log, 'debug')
    assert.equal(load({ yaml, env: { MOORAGE_LOG: '' } }).log, 'warn')
  })

  it('finds its file by flag or environment', () => {
    assert.equal(load({ env: { MOORAGE_CONFIG: 'other.yaml' }, files: { 'other.yaml': 'log: warn' } }).log, 'warn')
    assert.match(String(problems({ flags: { config: 'gone.yaml' } })), /config file gone\.yaml cannot be read: .*no such file/)
  })

  it('reads every setting of a full file', () => {
    const config = load({
      yaml: `
listen: '[::]:0'
host: tcp://10.0.0.5:2376
hostTls: { ca: ca.pem, cert: c.pem, key: k.pem }
state: /srv/moorage
policies:
  wide: { lifetime: 60, limits: { containers: 9 } }
images: { shared: [busybox, 'alpine:3'] }
names: [ci.example, 10.1.1.1, '*.ci.example']
log: silent`,
      files: { 'ca.pem': 'A', 'c.pem': 'C', 'k.pem': 'K' },
    })
    assert.deepEqual(config.listen, { host: '::', port: 0 })
    assert.deepEqual(config.hosts, [{ name: 'engine', url: 'tcp://10.0.0.5:2376', tls: { ca: 'A', cert: 'C', key: 'K' } }])
    assert.equal(config.state, '/srv/moorage')
    assert.deepEqual(config.policies.default, defaultPolicy)
    assert.equal(config.policies['wide']?.lifetime, 60)
    assert.equal(config.policies['wide']?.limits.containers, 9)
    assert.equal(config.policies['wide']?.limits.pids, defaultPolicy.limits.pids)
    assert.deepEqual(config.images.shared, ['busybox', 'alpine:3'])
    assert.deepEqual(config.names, ['ci.example', '10.1.1.1', '*.ci.example'])
  })

  it('reads several hosts, and does not take one beside them', () => {
    const yaml = `
store: redis+sentinel://a:1,b:2/farm
hosts:
- { name: big, url: tcp://10.0.0.5:2376, tls: { ca: ca.pem }, memory: 1000, cpus: 2.5 }
- { name: small.example, url: unix:///run/docker.sock }`
    const files = { 'ca.pem': 'A' }
    const config = load({ yaml, files })
    assert.equal(config.store, 'redis+sentinel://a:1,b:2/farm')
    assert.deepEqual(config.hosts, [
      { name: 'big', url: 'tcp://10.0.0.5:2376', tls: { ca: 'A' }, memory: 1000, cpus: 2.5 },
      { name: 'small.example', url: 'unix:///run/docker.sock', tls: undefined },
    ])
    assert.deepEqual(load({ yaml: 'hosts: []' }).hosts, [])
    assert.match(String(problems({ yaml, files, flags: { host: 'tcp://x' } })), /host and hosts are both given/)
    assert.match(String(problems({ yaml })), /hosts\.0\.tls\.ca cannot be read/)
    assert.match(String(problems({ yaml: 'hosts:\n- { name: A, url: tcp://x }' })), /^m\.yaml:2:11: hosts\.0\.name: expected a host name/)
    assert.match(String(problems({ yaml: 'hosts:\n- { name: a, url: tcp://x }\n- { name: a, url: tcp://y }' })), /a name of its own/)
    assert.match(String(problems({ yaml: 'store: http://x' })), /^m\.yaml:1:8: store: expected redis:/)
  })

  it('knows no policy by an inherited name', () => {
    assert.equal(load({}).policies['constructor'], undefined)
    assert.equal(load({}).policies['__proto__'], undefined)
  })

  it('lets a file change the default policy', () => {
    assert.equal(load({ yaml: 'policies: { default: { lifetime: 5 } }' }).policies.default.lifetime, 5)
  })

  it('takes lists from repeated flags and from comma-separated variables', () => {
    assert.deepEqual(load({ flags: { 'shared-image': ['a:1', 'b:1'] } }).images.shared, ['a:1', 'b:1'])
    assert.deepEqual(load({ env: { MOORAGE_NAMES: 'a.example, 10.0.0.1' } }).names, ['a.example', '10.0.0.1'])
    assert.deepEqual(load({ yaml: 'images: { shared: [c] }', env: { MOORAGE_SHARED_IMAGES: 'a' } }).images.shared, ['a'])
  })

  it('takes an empty file as no settings', () => {
    for (const yaml of ['', '# nothing here\n', '---\n']) assert.equal(load({ yaml }).log, 'info')
  })

  it('says which TLS file cannot be read', () => {
    assert.match(String(problems({ flags: { 'host-ca': 'gone.pem' } })), /hostTls\.ca cannot be read: .*gone\.pem/)
  })
})

describe('the listen address and the engine URL', () => {
  for (const [listen, host, port] of [['0.0.0.0:0', '0.0.0.0', 0], ['localhost:65535', 'localhost', 65535], ['[::1]:2376', '::1', 2376]] as const) {
    it(`listens at ${listen}`, () => assert.deepEqual(load({ flags: { listen } }).listen, { host, port }))
  }
  for (const listen of ['', '2376', ':2376', 'localhost', 'localhost:', '127.0.0.1:65536', '::1:2376', 'https://x:1', 'a b:1', 'x:-1']) {
    it(`does not listen at ${JSON.stringify(listen)}`, () => {
      assert.match(String(problems({ flags: { listen } })), /^--listen: expected HOST:PORT/)
    })
  }
  for (const host of ['unix:///run/docker.sock', 'tcp://10.0.0.5:2375', 'https://engine.example', 'tcp://[::1]:2375', 'ssh://x', 'ssh://ci@10.0.0.5:2222', 'ssh://ci@x/run/docker.sock', 'ssh://[::1]']) {
    it(`takes an engine at ${host}`, () => assert.equal(load({ flags: { host } }).hosts[0]?.url, host))
  }
  for (const host of ['', '/var/run/docker.sock', 'unix://', 'unix://relative', 'http://x', 'ssh://', 'ssh://-oProxyCommand=x', 'ssh://-l@x', 'ssh://u:p@x', 'ssh://x/a b', 'ssh://x/$(a)', 'ssh://x/', 'tcp://', 'tcp://x/path', 'https://u:p@x', 'tcp://x:1?a']) {
    it(`takes no engine at ${JSON.stringify(host)}`, () => {
      assert.match(String(problems({ flags: { host } })), /^--host: expected the URL of a Docker engine/)
    })
  }
})

describe('a problem in the config file', () => {
  const cases: [string, string, RegExp][] = [
    ['an unknown key', 'log: info\nlisten_at: x', /^m\.yaml:2:1: listen_at: unknown key; known here: listen, host, hostTls, hosts, /],
    ['an unknown key deep inside', 'policies:\n  default:\n    limits:\n      cpu: 2', /^m\.yaml:4:7: policies\.default\.limits\.cpu: unknown key; known here: memory, cpus, /],
    ['a wrong type', 'policies:\n  default:\n    limits:\n      cpus:   two', /^m\.yaml:4:15: policies\.default\.limits\.cpus: expected number, got "two"/],
    ['a number too small', 'policies:\n  default:\n    limits: { memory: 5 }', /^m\.yaml:3:23: .*: expected at least \d+, got 5/],
    ['a value not in the list', 'log: loud', /^m\.yaml:1:6: log: expected "trace" or .*, got "loud"/],
    ['a wrong entry of a list', 'names:\n- ok\n- "not ok"', /^m\.yaml:3:3: names\.1: expected a DNS name or an IP address, got "not ok"/],
    ['a section with nothing in it', 'log: info\nimages:\n', /^m\.yaml:2:1: images: expected a map, got nothing/],
    ['a policy name that could not be typed', 'policies:\n  "My Policy": {}', /^m\.yaml:2:3: policies\.My Policy: expected a policy name/],
    ['a list instead of settings', '- listen', /^m\.yaml:1:1: expected a map, got a list/],
    ['a key given twice', 'log: info\nlog: warn', /^m\.yaml:2:1: Map keys must be unique/],
    ['broken syntax', 'log: info\nnames: [a, b', /^m\.yaml:2:\d+: /],
    ['a tag nobody knows', 'log: !loud info', /^m\.yaml:1:6: Unresolved tag/],
    ['an alias of nothing', 'log: *x', /^m\.yaml:1:6: /],
    ['a second document', 'log: info\n---\nlog: warn', /^m\.yaml:/],
  ]
  for (const [what, yaml, expected] of cases) {
    it(`names the place of ${what}`, () => {
      const [problem = 'none'] = problems({ yaml })
      assert.match(problem, expected)
    })
  }

  it('does not hide the others, and they come in the order of the file', () => {
    const found = problems({ yaml: 'log: loud\nstat: x\nnames: 5\nlisten: y' })
    assert.deepEqual(found.map((problem) => problem.split(' ')[0]), ['m.yaml:1:6:', 'm.yaml:2:1:', 'm.yaml:3:8:', 'm.yaml:4:9:'])
  })

  it('is the fault of the flag or variable that gave the value', () => {
    assert.match(String(problems({ yaml: 'log: info', flags: { log: 'loud' } })), /^--log: expected "trace"/)
    assert.match(String(problems({ yaml: 'log: info', env: { MOORAGE_LOG: 'loud' } })), /^MOORAGE_LOG: expected "trace"/)
    assert.match(String(problems({ yaml: 'images: 5', flags: { 'shared-image': ['a'] } })), /^m\.yaml:1:9: images: expected a map, got 5/)
  })

  it('is an error even when aliases multiply', () => {
    const lines = Array.from({ length: 9 }, (_, index) =>
      `a${index + 1}: &a${index + 1} [${Array.from({ length: 9 }, () => `*a${index}`).join(', ')}]`)
    assert.match(String(problems({ yaml: `a0: &a0 [x]\n${lines.join('\n')}` })), /alias/i)
  })
})

describe('published ports', () => {
  it('have a range and an address of the gateway, and a place on the hosts', () => {
    assert.deepEqual(load({ yaml: 'ports: { range: 1024-65535, address: 10.0.0.1, reach: address }' }).ports,
      { range: { first: 1024, last: 65535 }, address: '10.0.0.1', reach: 'address' })
    assert.deepEqual(problems({ yaml: 'ports: { range: 9-8, address: example, reach: far }' }), [
      'm.yaml:1:17: ports.range: expected a range of ports such as 40000-49999, got "9-8"',
      'm.yaml:1:31: ports.address: expected an IP address, got "example"',
      'm.yaml:1:47: ports.reach: expected loopback, address, none or an IP address of the engine\'s host, got "far"',
    ])
  })
})

describe('the settings', () => {
  it('are each reached by one flag and one variable of their own', () => {
    assert.equal(new Set(settings.map(({ flag }) => flag)).size, settings.length)
    assert.equal(new Set(settings.map(({ env }) => env)).size, settings.length)
    assert.ok(settings.every(({ env, comment }) => env.startsWith('MOORAGE_') && comment))
    assert.deepEqual(settings.map(({ flag }) => flag),
      ['listen', 'host', 'host-ca', 'host-cert', 'host-key', 'store', 'drain', 'state', 'shared-image', 'port-range', 'port-address', 'port-reach', 'control-groups', 'job-sockets', 'name', 'audit', 'log', 'log-format'])
  })
})
