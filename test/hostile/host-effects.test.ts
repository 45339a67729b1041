import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { after, before, describe, it } from 'node:test'
import type { Ask } from '../setup/plain-http.ts'
import { until } from '../setup/processes.ts'
import { startRegistry, type Registry } from '../setup/registry.ts'
import { openArena, type Arena, type Side } from './arena.ts'

/** Requests that reach the engine's host, or another job through it, without naming anything of it. */

let arena: Arena
let own: string
let there: string
before(async () => {
  arena = await openArena({ config: { policies: { default: {}, listed: { registries: ['*.registry.example', 'registry.example'] } } } })
  own = await arena.container(arena.attacker, { Cmd: ['sleep', '1234'] }, { name: 'own', start: true })
  there = await arena.container(arena.bare, { Cmd: ['sleep', '1234'] }, { start: true })
})
after(async () => {
  await arena.bare.ask({ method: 'DELETE', target: `/containers/${there}?force=1` })
  await arena.stop()
})

const top = (id: string, args: string): Ask => ({ target: `/containers/${id}/top?ps_args=${encodeURIComponent(args)}` })

describe('top, which runs ps on the host', () => {
  /** Arguments by which the engine takes another column for the process's id, and so tells of processes that are not the container's. */
  const hostile = ['-H -eo args,pid', '-eo args,pid f', 'axf o args,pid', '-p 1 -o args,pid', '-p1', '-eo args,pid', '-eo user=PID,args', '-euid -ouid=PID,args', 'axo args,pid', '-eoargs,pid', '-eo uid=PID -o args', 'axk-rss o args,pid', '-e --format args,pid', '-eZ', '-eo label,pid', '-o pid=X,ppid=PID', '--forest -eo args,pid', '-o pid  -o comm', '-eh', 'aux --no-headers', '-e\tf', '-Cps', 'ax -o cmd,pid', 'a x o args,pid', '-o pid --help', '-eO args', '-y -o comm,pid -e']
  for (const args of hostile) {
    it(`does not take ${args}`, async () => {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(top(own, args)))
      assert.equal(result.status, 403, result.text)
      assert.match(result.json.message, /^ps_args is not allowed in this namespace: .*; /)
      assert.deepEqual(requests, [])
    })
  }

  it('tells of the host\'s processes on the engine, with such arguments', async () => {
    for (const args of ['-H -eo args,pid', '-eo args,pid f', 'axf o args,pid']) {
      // The second word of some process's command line.
      assert.match((await arena.bare.ask(top(there, args))).text, /Unexpected pid '[^']/)
    }
  })

  for (const args of ['', 'aux', '-ef', 'auxww', '-eo pid,comm', '-o pid,user,args', 'axo pid,args', '-efww', '-ejH', 'xao pid,comm,rss', '-e -o pid,ppid,stat,comm', '-o pid -o comm']) {
    it(`takes ${args || 'nothing'}, and answers as the engine does`, async () => {
      const mine = await arena.attacker.ask(top(own, args))
      const engines = await arena.bare.ask(top(there, args))
      assert.deepEqual([mine.status, mine.json.Titles], [engines.status, engines.json.Titles], mine.text)
      assert.match(mine.text, /sleep/)
    })
  }
})

describe('removing a link', () => {
  it('is refused', async () => {
    const { result, requests } = await arena.recorded(() => arena.attacker.ask({ method: 'DELETE', target: `/containers/${own}?link=1` }))
    assert.equal(result.status, 403)
    assert.deepEqual(requests, [])
    // The engine takes it for the name of a link, not of the container, which stays.
    const answer = await arena.bare.ask({ method: 'DELETE', target: `/containers/${there}?link=1` })
    assert.notEqual(answer.status, 403)
    assert.equal((await arena.bare.ask({ target: `/containers/${there}/json` })).status, 200)
  })
})

describe('a checkpoint', () => {
  it('is answered as an engine without experiments does, and never asked for', async () => {
    for (const ask of [{ target: `/containers/${own}/checkpoints?dir=/etc` }, { method: 'POST', target: `/containers/${own}/checkpoints`, body: { CheckpointID: 'x', CheckpointDir: '/etc' } }]) {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
      assert.equal(result.status, 501)
      assert.deepEqual(requests, [])
      assert.deepEqual(result.json, (await arena.bare.ask({ ...ask, target: ask.target.replace(own, there) })).json)
    }
  })

  it('to start from is left out', async () => {
    const stopped = await arena.container(arena.attacker)
    const { result, requests } = await arena.recorded(() => arena.attacker.ask({ method: 'POST', target: `/containers/${stopped}/start?checkpoint=x&checkpoint-dir=/etc` }))
    assert.equal(result.status, 204, result.text)
    assert.deepEqual(requests.map(({ path }) => path.replace(/^\/v[\d.]+/, '')), [`/containers/${stopped}/start`])
  })
})

describe('what belongs to the host', () => {
  const asks: Record<string, { ask: Ask; mine: number; engine: number }> = {
    'the profiler': { ask: { target: '/debug/pprof/cmdline' }, mine: 404, engine: 200 },
    'the variables': { ask: { target: '/debug/vars' }, mine: 404, engine: 200 },
    'services of a swarm': { ask: { method: 'POST', target: '/services/create', body: {} }, mine: 403, engine: 503 },
    'plugin privileges': { ask: { target: '/plugins/privileges?remote=127.0.0.1:1/x' }, mine: 403, engine: 200 },
  }
  for (const [what, { ask, mine, engine }] of Object.entries(asks)) {
    it(`is not there for jobs: ${what}`, async () => {
      const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
      assert.equal(result.status, mine, result.text)
      assert.deepEqual(requests, [])
      assert.equal((await arena.bare.ask(ask)).status, engine)
    })
  }
})

describe('a tag of logs', () => {
  const details = async (side: 'attacker' | 'bare', tag: string) => {
    const id = await arena.container(arena[side], { Cmd: ['echo', 'said'], HostConfig: { LogConfig: { Type: 'json-file', Config: { tag } } } }, { start: true })
    await arena[side].ask({ method: 'POST', target: `/containers/${id}/wait` })
    const { text } = await arena[side].ask({ target: `/containers/${id}/logs?stdout=1&details=1` })
    await arena[side].ask({ method: 'DELETE', target: `/containers/${id}?force=1` })
    return { id, text: decodeURIComponent(text) }
  }

  it('is no program of the job\'s for the engine', async () => {
    // An engine tells its host's name, and would print whatever it is told to into its memory.
    const bare = await details('bare', '{{.Hostname}} {{printf "%20d" 7}}')
    assert.ok(bare.text.includes(`tag=${hostname()}`) && /\+{19}7 said/.test(bare.text), bare.text)
    for (const tag of ['{{.Hostname}}', '{{.LogPath}}', '{{printf "%20d" 7}}']) await assert.rejects(details('attacker', tag), /is a template that engines would carry out/)
  })

  it('may say which container it is', async () => {
    const { id, text } = await details('attacker', 'ci/{{.ID}} {{ .ImageName }}')
    assert.match(text, new RegExp(`tag=ci/${id.slice(0, 12)}\\+busybox.* said`))
  })
})

describe('a health check that an image brings', () => {
  it('runs no more often than one that the job asks for', async () => {
    const made = async (side: 'attacker' | 'bare', more: object) => {
      const repo = `checked-${arena.attacker.id}`
      const box = await arena.container(arena[side])
      const committed = await arena[side].ask({ method: 'POST', target: `/commit?container=${box}&repo=${repo}&changes=${encodeURIComponent('HEALTHCHECK --interval=1ms --start-interval=2ms --timeout=9s CMD true')}` })
      assert.equal(committed.status, 201, committed.text)
      const id = await arena.container(arena[side], { Image: repo, ...more })
      const { Healthcheck } = (await arena.bare.ask({ target: `/containers/${id}/json` })).json.Config
      for (const one of [id, box]) await arena[side].ask({ method: 'DELETE', target: `/containers/${one}?force=1` })
      await arena[side].ask({ method: 'DELETE', target: `/images/${repo}` })
      return Healthcheck
    }
    const [ms, s] = [1_000_000, 1_000_000_000]
    const test = ['CMD-SHELL', 'true']
    assert.deepEqual(await made('bare', {}), { Test: test, Interval: ms, StartInterval: 2 * ms, Timeout: 9 * s })
    for (const more of [{}, { Healthcheck: {} }, { Healthcheck: { Interval: 0 } }]) {
      assert.deepEqual(await made('attacker', more), { Test: test, Interval: 500 * ms, StartInterval: 500 * ms, Timeout: 9 * s })
    }
    assert.deepEqual(await made('attacker', { Healthcheck: { Test: ['NONE'], Interval: 2 * s } }), { Test: ['NONE'], Interval: 2 * s, StartInterval: 500 * ms, Timeout: 9 * s })
  })
})

describe('a registry whose address is another than it seems', () => {
  let registry: Registry
  let listed: Side
  before(async () => {
    registry = await startRegistry(arena.engine)
    const { id } = await arena.gateway.open('--policy', 'listed')
    listed = await arena.serve(id)
  })
  after(() => registry.stop())

  const login = (serveraddress: string): Ask => ({ method: 'POST', target: '/auth', body: { username: 'a', password: 'b', serveraddress } })
  const search = (host: string): Ask => ({ target: `/images/search?term=${encodeURIComponent(`${host}/x`)}` })
  const dialled = () => registry.log().length
  /** Texts that end like a registry of the list, or begin so, of which an engine makes an URL of another host. */
  const disguises = (address: string) => [`${address}?.registry.example`, `${address}#.registry.example`, `registry.example@${address}`, `${address}?`, `user:x.registry.example@${address}`]

  for (const [what, ask] of Object.entries({ 'to log in': login, 'to search': search })) {
    it(`is not dialled ${what}, as an engine would`, async () => {
      for (const disguise of disguises(registry.address)) {
        const before = dialled()
        for (const side of [listed, arena.attacker]) {
          const { result, requests } = await arena.recorded(() => side.ask(ask(disguise)))
          assert.equal(result.status, 403, `${disguise}: ${result.text}`)
          assert.match(result.json.message, /^(serveraddress|term) is not allowed in this namespace: ".*" is not the plain address of a registry; /)
          assert.deepEqual(requests, [])
        }
        assert.equal(dialled(), before)
        // A search asks for what registries have no more, after it has dialled; names with a user it dials by TLS alone.
        if (what === 'to search' && disguise.includes('@')) continue
        await arena.bare.ask(ask(disguise))
        await until(() => dialled() > before, `the engine dials ${disguise}`)
      }
    })

    it(`is dialled ${what} by its plain address where the policy lists it`, async () => {
      const { requests } = await arena.recorded(() => arena.attacker.ask(ask(registry.address)))
      assert.equal(requests.length, 1)
      const refused = await arena.recorded(() => listed.ask(ask(registry.address)))
      assert.deepEqual([refused.result.status, refused.requests], [403, []])
    })
  }

  it('is not a link-local one in disguise either', async () => {
    for (const disguise of disguises('169.254.169.254')) {
      for (const ask of [login(disguise), login(`http://${disguise}/v1`), search(disguise)]) {
        const { result, requests } = await arena.recorded(() => arena.attacker.ask(ask))
        assert.deepEqual([result.status, requests], [403, []], disguise)
      }
    }
  })
})

describe('the address of another namespace\'s container', () => {
  const addressOf = async (id: string) => Object.values<any>((await arena.bare.ask({ target: `/containers/${id}/json` })).json.NetworkSettings.Networks)[0].IPAddress as string
  /** Whether a new container there can fetch from the address. */
  const fetched = async (side: 'attacker' | 'bare' | 'victim', url: string) => {
    const id = await arena.container(arena[side], { Cmd: ['sh', '-c', `timeout 10 wget -q -O - ${url}; exit $?`] }, { start: true })
    const { json } = await arena[side].ask({ method: 'POST', target: `/containers/${id}/wait` })
    const logs = (await arena[side].ask({ target: `/containers/${id}/logs?stdout=1` })).text
    await arena[side].ask({ method: 'DELETE', target: `/containers/${id}?force=1` })
    return json.StatusCode === 0 && logs.includes('loot')
  }
  const server = { Cmd: ['sh', '-c', 'mkdir /www; echo loot > /www/index.html; exec httpd -f -p 8080 -h /www'], ExposedPorts: { '8080/tcp': {} }, HostConfig: { PortBindings: { '8080/tcp': [{ HostIp: '', HostPort: '' }] } } }

  it('is not reached from this one, neither directly nor by its published port', async () => {
    const target = await arena.container(arena.victim, server, { name: 'web', start: true })
    const address = await addressOf(target)
    await until(() => fetched('victim', `http://${address}:8080/`), 'the server serves its own namespace', 60_000)
    assert.ok(!await fetched('attacker', `http://${address}:8080/`))
    const bindings: { HostPort: string }[] = (await arena.bare.ask({ target: `/containers/${target}/json` })).json.NetworkSettings.Ports['8080/tcp']
    const gateways = await Promise.all([own, target, there].map(async (id) => Object.values<any>((await arena.bare.ask({ target: `/containers/${id}/json` })).json.NetworkSettings.Networks)[0].Gateway as string))
    for (const { HostPort } of bindings) {
      for (const gateway of gateways) assert.ok(!await fetched('attacker', `http://${gateway}:${HostPort}/`), `${gateway}:${HostPort}`)
    }
  })

  it('is reached by both ways between containers of a bare engine', async () => {
    const target = await arena.container(arena.bare, server, { start: true })
    const { NetworkSettings } = (await arena.bare.ask({ target: `/containers/${target}/json` })).json
    const [{ HostPort }] = NetworkSettings.Ports['8080/tcp']
    const { IPAddress, Gateway } = Object.values<any>(NetworkSettings.Networks)[0]
    await until(() => fetched('bare', `http://${IPAddress}:8080/`), 'a container on the same bridge reaches it', 60_000)
    assert.ok(await fetched('attacker', `http://${Gateway}:${HostPort}/`), 'a port published on every address is reached from every bridge')
    await arena.bare.ask({ method: 'DELETE', target: `/containers/${target}?force=1` })
  })
})
