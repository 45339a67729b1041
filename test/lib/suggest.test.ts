import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuditRecord } from '../../lib/audit.ts'
import { asPolicy, suggest } from '../../lib/suggest.ts'

const record = (more: Partial<AuditRecord>): AuditRecord => ({
  time: '2030-01-01T00:00:00.000Z', namespace: null, label: null, policy: 'default', host: null, endpoint: 'ContainerCreate', method: 'POST', target: '', status: 201,
  milliseconds: 1, refusal: null, permitted: [], trace: null, ...more,
})
const permitted = (setting: string, value: number | string) => record({ permitted: [{ message: 'no', setting, value }] })
const refused = (setting: string | null, value: number | string | null, message = 'x is not allowed in this namespace: y; z') =>
  record({ status: 403, refusal: { field: 'x', setting, value, message } })

describe('a suggested policy', () => {
  test('has the largest number asked of each limit and every entry asked of each list', () => {
    const suggestion = suggest([permitted('limits.memory', 5), refused('limits.memory', 9), permitted('limits.memory', 7), permitted('capabilities', 'SYS_PTRACE'), permitted('registries', 'a'), permitted('registries', 'a')])
    assert.deepEqual(suggestion, {
      settings: { capabilities: ['SYS_PTRACE'], 'limits.memory': 9, registries: ['a'] },
      calls: { 'limits.memory': 3, capabilities: 1, registries: 2 }, unliftable: [],
    })
    assert.deepEqual(asPolicy(suggestion, { registries: ['docker.io', 'a'] }), { capabilities: ['SYS_PTRACE'], limits: { memory: 9 }, registries: ['docker.io', 'a'] })
  })

  test('lists what no policy allows, the most frequent first, and nothing that is only missing', () => {
    const { settings, unliftable } = suggest([refused(null, null), refused(null, null, 'p is not allowed in this namespace: q; r'), refused(null, null), refused(null, null, 'No such container: x')])
    assert.deepEqual(settings, {})
    assert.deepEqual(unliftable, [{ message: 'x is not allowed in this namespace: y; z', calls: 2 }, { message: 'p is not allowed in this namespace: q; r', calls: 1 }])
  })
})
