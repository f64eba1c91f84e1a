import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestTrail } from '../../test/support/trail.ts'
import { everybody, type Caller } from '../access/caller.ts'
import type { Gate } from '../access/gate.ts'
import { guardRoutes } from '../access/hooks.ts'
import { KeyMissing } from '../errors.ts'
import { createApp, type App } from '../http/app.ts'
import type { AuditEntry } from './entry.ts'
import type { Change } from './repository.ts'
import { registerAuditRoutes } from './routes.ts'

const callers: Record<string, Partial<Caller>> = {
  'Bearer all': {},
  'Bearer development': { environments: new Set(['development']) },
  'Bearer support': { deployment_pattern: 'support-*' },
  'Bearer reader': { scopes: new Set(['workflow:read']) },
}
let isAdmitted: boolean
const gate = {
  identify: (authorization: string) => {
    if (!callers[authorization]) throw new KeyMissing({})
    return { ...everybody, ...callers[authorization] }
  },
  stillAdmits: () => isAdmitted,
} as unknown as Gate

let trail: TestTrail
let app: App
beforeEach(async () => {
  isAdmitted = true
  trail = await TestTrail.make()
  app = await createApp({ logger: pino({ level: 'silent' }), allowedHosts: [], version: '1', guard: (open) => guardRoutes(open, gate) })
  registerAuditRoutes(app, trail)
})
afterEach(async () => {
  await app.close()
  trail.close()
})

const DAY = 86_400_000
const change = (action: Change['action'], day: number, id: string, name: string, environment: string | null = null): Partial<Change> => ({
  at: day * DAY,
  action,
  object: { id, name, environment },
})

async function get(path: string, key = 'all') {
  const answer = await app.inject({ url: path, headers: { host: 'localhost', authorization: `Bearer ${key}` } })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.body,
    body: String(answer.headers['content-type']).includes('json;') || answer.statusCode >= 400 ? answer.json() : undefined,
  }
}
const seqs = async (query: string, key?: string): Promise<number[]> => {
  const { status, body } = await get(`/api/audit${query}`, key)
  expect(status).toBe(200)
  return (body as AuditEntry[]).map(({ seq }) => seq)
}

describe('the list', () => {
  beforeEach(async () => {
    await trail.add(
      change('workflow.create', 1, 'w1', 'team'),
      change('deployment.deploy', 2, 'd1', 'support-a', 'development'),
      change('deployment.deploy', 3, 'd2', 'billing', 'production'),
      change('deployment.stop', 4, 'd1', 'support-a', 'development'),
      change('execution.cancel', 5, 'e1', 'billing', 'production'),
    )
    await trail.run(
      'test.add',
      { ...change('workflow.update', 6, 'w1', 'team'), before: { a: 1 }, after: { a: 2 } },
      { key_id: 'as_1', name: 'CI', address: '10.0.0.7' },
    )
  })

  it('is newest first, with everything that an entry has', async () => {
    const { status, body } = await get('/api/audit')
    expect(status).toBe(200)
    expect(body).toEqual(trail.entries().toReversed())
    expect(body[0]).toMatchObject({ actor: { key_id: 'as_1', name: 'CI', address: '10.0.0.7' }, before: { a: 1 }, after: { a: 2 } })
  })

  it.each([
    ['?actor=as_1', [6]],
    ['?actor=CI', [6]],
    ['?actor=server', [5, 4, 3, 2, 1]],
    ['?actor=nobody', []],
    ['?action=deployment.deploy', [3, 2]],
    ['?object_type=deployment', [4, 3, 2]],
    ['?object=d1', [4, 2]],
    ['?object=support-a', [4, 2]],
    ['?object=billing', [5, 3]],
    ['?environment=production', [5, 3]],
    ['?from=1970-01-05T00:00:00Z', [6, 5, 4]],
    ['?to=1970-01-05T00:00:00Z', [3, 2, 1]],
    ['?from=1970-01-03T00:00:00Z&to=1970-01-05T00:00:00Z', [3, 2]],
    ['?action=deployment.deploy&environment=production', [3]],
    ['?object=support-a&action=deployment.stop&actor=server', [4]],
    ['?object=support-a&action=deployment.stop&actor=CI', []],
  ])('answers %s', async (query, expected) => {
    expect(await seqs(query)).toEqual(expected)
    // The same, page by page.
    const paged: number[] = []
    let next: string | undefined = `/api/audit${query}&limit=1`
    while (next) {
      const { headers, body } = await get(next)
      paged.push(...(body as AuditEntry[]).map(({ seq }) => seq))
      next = /<(.*)>; rel="next"/.exec(String(headers['link'] ?? ''))?.[1]
    }
    expect(paged).toEqual(expected)
  })

  it('keeps its place while entries are added', async () => {
    const { headers, body } = await get('/api/audit?limit=2')
    expect(body.map(({ seq }: AuditEntry) => seq)).toEqual([6, 5])
    await trail.add(change('workflow.update', 7, 'w1', 'team'))
    const next = /<(.*)>/.exec(String(headers['link']))![1]!
    expect((await get(next)).body.map(({ seq }: AuditEntry) => seq)).toEqual([4, 3])
  })

  it('goes by the time, and by the number where a clock was set back', async () => {
    await trail.add(change('workflow.update', 3, 'w1', 'team'), change('workflow.update', 3, 'w1', 'team'))
    expect(await seqs('?limit=6')).toEqual([6, 5, 4, 8, 7, 3])
  })

  it.each([
    ['?limit=501', '?limit'],
    ['?from=yesterday', '?from'],
    ['?cursor=x', '?cursor'],
    ['?actor=', '?actor'],
    ['?who=x', '?who'],
  ])('refuses %s', async (query, pointer) => {
    const { status, body } = await get(`/api/audit${query}`)
    expect([status, body.errors[0].pointer]).toEqual([422, pointer])
  })

  it('shows what somebody has spoiled as far as it can be shown', async () => {
    trail.tamper("update audit set after = '{', at = 1e300 where seq = 6")
    expect((await get('/api/audit?limit=1')).body[0]).toMatchObject({ seq: 6, at: '1e+300', after: { unreadable: '{' } })
  })
})

describe('a key that is limited', () => {
  beforeEach(async () => {
    await trail.add(
      change('workflow.create', 1, 'w1', 'team'),
      change('deployment.deploy', 2, 'd1', 'support-a', 'development'),
      change('deployment.deploy', 3, 'd2', 'billing', 'production'),
      change('execution.cancel', 4, 'e2', 'billing', 'development'),
      change('secret.put', 5, 's1', 'TOKEN', 'production'),
      change('key.create', 6, 'as_wide', 'Wide'),
      change('key.create', 7, 'as_narrow', 'Narrow'),
    )
    trail.connection.raw.exec(`
      insert into api_keys (key_id, hash, name, scopes, environments, deployment_pattern, created_at) values
        ('as_wide', '', 'Wide', '[]', null, null, 1), ('as_narrow', '', 'Narrow', '[]', '["development"]', 'support-x*', 1)`)
  })

  it('sees no entry of a foreign environment, nor of a key that reaches further', async () => {
    expect(await seqs('', 'development')).toEqual([7, 4, 2, 1])
    expect(await seqs('?environment=production', 'development')).toEqual([])
    expect(await seqs('?object=billing', 'development')).toEqual([4])
  })

  it('learns by no name of its own whether something foreign has that id', async () => {
    await trail.add(change('workflow.create', 8, 'w2', 's1'), change('workflow.create', 9, 'w3', 's2'))
    expect(await seqs('?object=s1')).toEqual([5])
    expect(await seqs('?object=s1', 'development')).toEqual([8])
    expect(await seqs('?object=s2', 'development')).toEqual([9])
  })

  it('sees no entry of a deployment that is not its own', async () => {
    expect(await seqs('', 'support')).toEqual([7, 5, 2, 1])
  })

  it('sees nothing else that goes by the name of a deployment that is not its own', async () => {
    await trail.add(
      change('proposal.create' as Change['action'], 8, 'p1', 'billing', 'development'),
      change('proposal.create' as Change['action'], 9, 'p2', 'support-a', 'development'),
      change('something.new' as Change['action'], 10, 'n1', 'billing', 'development'),
    )
    expect(await seqs('?from=1970-01-09T00:00:00Z', 'support')).toEqual([9])
  })

  it('exports no more than that', async () => {
    const { text } = await get('/api/audit/export', 'development')
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([1, 2, 4, 7])
  })

  it('sees nothing without the scope', async () => {
    for (const path of ['/api/audit', '/api/audit/export']) {
      expect(await get(path, 'reader')).toMatchObject({ status: 403, body: { code: 'scope_missing' } })
      expect(await get(path, 'none')).toMatchObject({ status: 401 })
    }
  })
})

describe('a long trail', () => {
  const ENTRIES = 3_000
  beforeEach(() => {
    trail.tamper(`
      insert into audit with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ENTRIES})
      select i, i * 1000, 'as_1', 'CI', null, iif(i % 2, 'deployment.stop', 'deployment.deploy'), 'deployment', 'd' || (i % 3), 'name' || i,
        iif(i = 7, 'staging', 'production'), null, '{}', '', '' from n`)
  })

  it('is searched by conditions that are common alone and rare together', async () => {
    expect(await seqs('?action=deployment.stop&environment=staging')).toEqual([7])
    expect(await seqs('?actor=CI&object=d1&environment=staging')).toEqual([7])
    expect(await seqs('?actor=CI&action=deployment.deploy&environment=staging')).toEqual([])
    expect(await seqs('?actor=CI&environment=production&to=1970-01-01T00:00:09Z')).toEqual([8, 6, 5, 4, 3, 2, 1])
  })

  it('takes turns with everything else', async () => {
    let turns = 0
    const count = (): void => {
      turns++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    expect(await seqs('', 'development')).toEqual([])
    clearImmediate(timer)
    expect(turns).toBeGreaterThan(3)
  })

  it('leaves out what the key may not see, however much that is', async () => {
    trail.connection.raw.exec("update audit set environment = 'development' where seq in (3, 2900)")
    expect(await seqs('', 'development')).toEqual([2900, 3])
    const { text } = await get('/api/audit/export', 'development')
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([3, 2900])
  })
})

describe('the export', () => {
  it('is every entry, oldest first, a line each', async () => {
    await trail.add(...Array.from({ length: 450 }, (_, index) => ({ at: index, object: { id: `${index}`, name: 'a\nb\u2028é' } })))
    const { status, headers, text } = await get('/api/audit/export')
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-type': 'application/x-ndjson', 'content-disposition': 'attachment; filename="audit.jsonl"' })
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(trail.entries())
  })

  it('goes on after an entry', async () => {
    await trail.add({}, {}, {})
    const { text } = await get('/api/audit/export?after=2')
    expect(JSON.parse(text)).toEqual(trail.entries()[2])
    expect((await get('/api/audit/export?after=3')).text).toBe('')
    expect(await get('/api/audit/export?after=-1')).toMatchObject({ status: 422 })
  })

  it('has headers alone for a HEAD', async () => {
    await trail.add({})
    const answer = await app.inject({
      method: 'HEAD',
      url: '/api/audit/export',
      headers: { host: 'localhost', authorization: 'Bearer all' },
    })
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })

  describe('of more than fits into buffers', () => {
    const ENTRIES = 20_000
    let reads: () => number
    beforeEach(async () => {
      trail.tamper(`
        insert into audit with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ENTRIES})
        select i, i, '', null, null, 'agent.update', 'agent', 'a', 'A', null, null, json_object('text', '${'x'.repeat(3_000)}'), '', '' from n`)
      const prepare = vi.spyOn(trail.connection, 'prepare')
      reads = () => prepare.mock.calls.filter(([sql]) => sql.includes('select * from audit')).length
      await app.listen({ host: '127.0.0.1', port: 0 })
    })

    async function begin(): Promise<IncomingMessage> {
      const { port } = app.server.address() as AddressInfo
      const request = httpRequest({ port, path: '/api/audit/export', headers: { authorization: 'Bearer all' } }).end()
      const [answer] = (await once(request, 'response')) as [IncomingMessage]
      return answer
    }

    it('reads no more than the client takes', async () => {
      const answer = await begin()
      // Nobody reads: it comes to rest when the buffers of both sockets are full.
      let seen = -1
      await vi.waitUntil(() => seen === (seen = reads()), { interval: 300, timeout: 20_000 })
      expect(seen).toBeGreaterThan(0)
      expect(seen).toBeLessThan(ENTRIES / 200 / 2)
      let lines = 0
      for await (const bytes of answer) lines += (bytes as Buffer).filter((byte) => byte === 10).length
      expect(lines).toBe(ENTRIES)
    })

    it('ends with a client that leaves', async () => {
      const answer = await begin()
      answer.destroy()
      let seen = -1
      await vi.waitUntil(() => seen === (seen = reads()), { interval: 300, timeout: 20_000 })
      expect(seen).toBeLessThan(ENTRIES / 200)
    })

    it('breaks off when its key is revoked', async () => {
      const answer = await begin()
      await once(answer, 'readable')
      isAdmitted = false
      await expect(answer.toArray()).rejects.toThrow('aborted')
    })
  })
})
