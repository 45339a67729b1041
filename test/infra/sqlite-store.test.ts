import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import { openSqliteStore } from '../../infra/stores/sqlite.ts'
import { describeQuotas } from './quotas-contract.ts'
import { describeStore, engineId, namespaceRecord } from './store-contract.ts'
import { describeTurns } from './turns-contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'moorage-sqlite-'))
const file = (name: string) => join(directory, name)

describe('the sqlite store', () => {
  after(() => rmSync(directory, { recursive: true }))

  describeStore('keeps the contract', async () => openSqliteStore(file('contract.sqlite')))
  describeQuotas('keeps quotas', async () => openSqliteStore(file('quotas.sqlite')))
  describeTurns('keeps turns', async () => openSqliteStore(file('turns.sqlite')))

  it('remembers everything when it is opened again', async () => {
    const namespace = namespaceRecord()
    const id = engineId()
    const before = openSqliteStore(file('again.sqlite'))
    await before.open(namespace)
    await before.claim({ ns: namespace.id, kind: 'container', name: 'db', id, facts: { port: 1 } })
    await before.reserve({ ns: namespace.id, kind: 'volume', name: 'data' })
    await before.close(namespace.id)
    await before.shutdown()
    const later = openSqliteStore(file('again.sqlite'))
    assert.deepEqual(await later.find(namespace.id), { ...namespace, state: 'closing' })
    assert.deepEqual(await later.byName(namespace.id, 'container', 'db'),
      { ns: namespace.id, kind: 'container', name: 'db', id, facts: { port: 1 } })
    assert.deepEqual((await later.reservations(namespace.id)).map(({ name }) => name), ['data'])
    await later.shutdown()
  })

  it('loses no answered reservation when its process is killed', async () => {
    const path = file('killed.sqlite')
    const namespace = namespaceRecord()
    const program = `
      import { openSqliteStore } from ${JSON.stringify(new URL('../../infra/stores/sqlite.ts', import.meta.url).href)}
      const store = openSqliteStore(${JSON.stringify(path)})
      await store.open(${JSON.stringify(namespace)})
      for (let n = 0; ; n++) {
        await store.reserve({ ns: ${JSON.stringify(namespace.id)}, kind: 'container', name: 'c' + n })
        await new Promise((written) => process.stdout.write(n + '\\n', written))
      }`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    let answered = ''
    for await (const chunk of child.stdout) {
      answered += chunk
      if (answered.split('\n').length > 50) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const last = answered.split('\n').slice(0, -1).length - 1
    const store = openSqliteStore(path)
    const names = new Set((await store.reservations(namespace.id)).map(({ name }) => name))
    await store.shutdown()
    assert.ok(last >= 49)
    for (let n = 0; n <= last; n++) assert.ok(names.has(`c${n}`), `c${n} is lost`)
  })

  it('keeps one limit when two gateways write to one file', async () => {
    const [one, two] = [openSqliteStore(file('two.sqlite')), openSqliteStore(file('two.sqlite'))]
    const namespace = namespaceRecord()
    await one.open(namespace)
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) =>
      (index % 2 ? one : two).reserve({ ns: namespace.id, kind: 'network', name: `n${index}`, limit: 5 })))
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'reserved').length, 5)
    await one.shutdown()
    await two.shutdown()
  })

  it('can be read by its owner only, write-ahead log included', async () => {
    const store = openSqliteStore(file('mode.sqlite'))
    await store.open(namespaceRecord())
    for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(file(`mode.sqlite${suffix}`)).mode & 0o777, 0o600)
    await store.shutdown()
    await store.shutdown()
  })

  it('does not touch a file of a newer version and says what to do', () => {
    const newer = new DatabaseSync(file('newer.sqlite'))
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    assert.throws(() => openSqliteStore(file('newer.sqlite')), /newer Moorage.*state directory/s)
  })
})
