import { createSecretKey } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ApiKeyRow } from '../store/tables.ts'
import { everybody } from './caller.ts'
import { Gate } from './gate.ts'
import { hashKey, makeKey } from './key-text.ts'

const pepper = createSecretKey(Buffer.alloc(32, 7))
let rows: Map<string, ApiKeyRow>
let now: number
let uses: [string, number][]

function gate(isPrivate = true): Gate {
  const anyKept = (): boolean => [...rows.values()].some((row) => row.revoked_at === null)
  return new Gate({
    keys: { pepper, anyKept, find: (key_id) => rows.get(key_id) },
    now: () => now,
    isPrivate,
    onUse: (...use) => uses.push(use),
  })
}

function keep(fields: Partial<ApiKeyRow> = {}): { key: string; row: ApiKeyRow } {
  const { key, key_id } = makeKey()
  const row: ApiKeyRow = {
    key_id,
    name: 'a key',
    hash: hashKey(key, pepper).toString('hex'),
    scopes: '["execute"]',
    environments: null,
    deployment_pattern: null,
    rate_limit: null,
    concurrency: null,
    created_at: 1,
    created_by: null,
    expires_at: null,
    last_used_at: null,
    revoked_at: null,
    ...fields,
  }
  rows.set(key_id, row)
  return { key, row }
}

const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'none'
}

beforeEach(() => {
  rows = new Map()
  uses = []
  now = 1_000_000
})

describe('where there are no keys', () => {
  it('everybody may come in whom only this machine can be, whatever they send', () => {
    for (const sent of [undefined, 'Bearer x', `Bearer ${makeKey().key}`, 'Basic eA=='])
      expect(gate().identify(sent, '::1')).toBe(everybody)
  })

  it('nobody may come in from elsewhere', () => {
    expect(refusal(() => gate(false).identify(undefined, '192.0.2.1'))).toBe('key_missing')
  })
})

describe('where there is a key', () => {
  it('it says who calls, and what they may do', () => {
    const { key, row } = keep({ environments: '["production"]', deployment_pattern: 'a*', concurrency: 3 })
    expect(gate().identify(`Bearer ${key}`, '::1')).toEqual({
      key_id: row.key_id,
      name: 'a key',
      scopes: new Set(['execute']),
      environments: new Set(['production']),
      deployment_pattern: 'a*',
      limits: { rate_limit: null, concurrency: 3 },
    })
  })

  it.each(['bearer', 'BEARER', 'Bearer  '])('the scheme may be written %j', (scheme) => {
    expect(gate().identify(`${scheme} ${keep().key} `, '::1').name).toBe('a key')
  })

  it.each([
    [undefined, 'key_missing'],
    ['', 'key_missing'],
    ['Bearer', 'key_missing'],
    ['Bearer ', 'key_missing'],
    ['Basic eDp5', 'key_missing'],
    ['Bearer x', 'key_invalid'],
  ])('%j is answered with %s', (sent, code) => {
    keep()
    expect(refusal(() => gate().identify(sent, '::1'))).toBe(code)
  })

  it('the scheme is needed', () => {
    expect(refusal(() => gate().identify(keep().key, '::1'))).toBe('key_missing')
  })

  it('an unknown, a wrong, an expired and a revoked one are refused alike', () => {
    const right = keep()
    const expired = keep({ expires_at: now })
    const revoked = keep({ revoked_at: now - 1 })
    const wrong = keep({ hash: hashKey(makeKey().key, pepper).toString('hex') })
    const guard = gate()
    const answers = [makeKey().key, expired.key, revoked.key, wrong.key, `${right.key}x`].map((key) => {
      try {
        return guard.identify(`Bearer ${key}`, '::1')
      } catch (error) {
        return JSON.stringify([error, (error as Error).message])
      }
    })
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toContain('key_invalid')
    expect(guard.identify(`Bearer ${right.key}`, '::1').key_id).toBe(right.row.key_id)
  })

  it('an end or a change of it holds from the next request on', () => {
    const { key, row } = keep({ expires_at: now + 10 })
    const guard = gate()
    const identify = () => guard.identify(`Bearer ${key}`, '::1')
    const caller = identify()
    rows.set(row.key_id, { ...row, concurrency: 5, name: 'renamed' })
    expect(identify()).toMatchObject({ name: 'renamed', limits: { concurrency: 5 } })
    expect(guard.stillAdmits(caller)).toBe(true)
    now += 10
    expect([refusal(identify), guard.stillAdmits(caller)]).toEqual(['key_invalid', false])
    rows.set(row.key_id, row)
    now -= 10
    identify()
    rows.set(row.key_id, { ...row, revoked_at: 1 })
    keep()
    expect([refusal(identify), guard.stillAdmits(caller)]).toEqual(['key_invalid', false])
  })

  it('who came in without one is out as soon as there is one', () => {
    const guard = gate()
    const caller = guard.identify(undefined, '::1')
    expect(guard.stillAdmits(caller)).toBe(true)
    keep({ expires_at: 1 })
    expect([refusal(() => guard.identify(undefined, '::1')), guard.stillAdmits(caller)]).toEqual(['key_missing', false])
  })

  it('too many wrong ones from an address are told so, and a right one from there is accepted', () => {
    const { key } = keep()
    const guard = gate()
    const codes = Array.from({ length: 12 }, () => refusal(() => guard.identify(`Bearer ${makeKey().key}`, '192.0.2.1')))
    expect(codes).toEqual([...Array<string>(10).fill('key_invalid'), 'too_many_failed_keys', 'too_many_failed_keys'])
    expect(guard.identify(`Bearer ${key}`, '192.0.2.1').name).toBe('a key')
    expect(refusal(() => guard.identify('Bearer x', '192.0.2.2'))).toBe('key_invalid')
    expect(refusal(() => guard.identify(undefined, '192.0.2.1'))).toBe('key_missing')
  })

  it('its use is noted once a minute, also where the clock was set back', () => {
    const { key, row } = keep()
    const guard = gate()
    for (const at of [0, 59_999, 60_000, 60_001, -1]) {
      now = 1_000_000 + at
      guard.identify(`Bearer ${key}`, '::1')
    }
    expect(uses).toEqual([0, 60_000, -1].map((at) => [row.key_id, 1_000_000 + at]))
  })
})
