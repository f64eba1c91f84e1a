import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEngine } from '../../test/support/engine.ts'
import { createAgent } from '../agents/repository.ts'
import { CLAIM_KEPT_MS, type Claim } from '../store/claim.ts'
import { theServer } from '../store/origin.ts'
import { purgeIdempotencyKeys, recallRequest, storeAnswer, type Answer } from './repository.ts'

let engine: TestEngine
beforeEach(async () => {
  engine = await TestEngine.start()
})
afterEach(() => engine.close())

const claim = (change: Partial<Claim> = {}): Claim => ({
  caller: '',
  method: 'POST',
  path: '/api/agents',
  key: 'k',
  fingerprint: 'f',
  now: 5 * CLAIM_KEPT_MS,
  ...change,
})
const agent = (agent_id: string) => ({
  agent_id,
  name: agent_id,
  agent_type: 'a',
  description: null,
  config: '{}',
  available_for_deployment: 1,
  created_at: 1,
  updated_at: 1,
})
const create = (agent_id: string, given: Claim) => engine.store.write(createAgent, agent(agent_id), { actor: theServer, claim: given })
const agents = async () =>
  (await engine.store.read.selectFrom('agents').select('agent_id').orderBy('agent_id').execute()).map((one) => one.agent_id)
const admit = (given: Claim) =>
  engine.journal.admit({
    execution_id: engine.clock.id(),
    target: { deployment_name: 'once' },
    environments: ['production'],
    request: { query: 'what?', chat_history: [] },
    runtime_overrides: {},
    session_id: null,
    user_id: null,
    api_key_id: null,
    status: 'running',
    now: given.now,
    claim: given,
  })
const answer: Answer = { status: 200, headers: {}, body: 'one' }

describe('a change with a claim', () => {
  it('is made once, and gives its first result again, also after a crash', async () => {
    expect(await create('a', claim())).toMatchObject({ agent_id: 'a' })
    await engine.crash()
    expect(await create('b', claim())).toEqual(agent('a'))
    expect(await agents()).toEqual(['a'])
  })

  it('is made once when it comes many times in one transaction', async () => {
    const results = await Promise.all(['a', 'b', 'c'].map((id) => create(id, claim())))
    expect(results).toEqual([agent('a'), agent('a'), agent('a')])
    expect(await agents()).toEqual(['a'])
  })

  it('is refused under the claim of another request, and is another for any other part of the claim', async () => {
    await create('a', claim())
    await expect(create('b', claim({ fingerprint: 'other' }))).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    await create('b', claim({ key: 'other' }))
    await create('c', claim({ path: '/other' }))
    await create('d', claim({ caller: 'other' }))
    await create('e', claim({ method: 'PATCH' }))
    expect(await agents()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('that fails leaves no claim: it may succeed later', async () => {
    await create('a', claim())
    const refused = claim({ key: 'other' })
    await expect(engine.store.write(createAgent, { ...agent('b'), name: 'a' }, { actor: theServer, claim: refused })).rejects.toMatchObject(
      { code: 'agent_exists' },
    )
    expect(await recallRequest(engine.store.read, refused)).toBeUndefined()
    await create('b', refused)
  })

  it('is made again when the claim is kept no longer', async () => {
    await create('a', claim())
    await create('b', claim({ now: claim().now + CLAIM_KEPT_MS, fingerprint: 'other' }))
    expect(await agents()).toEqual(['a', 'b'])
  })

  it('that was answered is not made by who comes too late to see the answer', async () => {
    await create('a', claim())
    await engine.store.write(storeAnswer, { claim: claim(), answer })
    await expect(create('b', claim())).rejects.toMatchObject({ code: 'idempotency_in_progress', members: {} })
  })
})

describe('an admission with a claim', () => {
  it('is made once; whoever comes with the claim again is told the execution', async () => {
    await engine.deploy('once', {})
    const [first, second] = await Promise.allSettled([admit(claim()), admit(claim())])
    expect(first).toMatchObject({ status: 'fulfilled' })
    const { execution_id } = (first as PromiseFulfilledResult<{ execution_id: string }>).value
    expect(second).toMatchObject({ reason: { code: 'idempotency_in_progress', members: { execution_id } } })
    await expect(admit(claim({ fingerprint: 'other' }))).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    expect(await recallRequest(engine.store.read, claim())).toEqual({ admitted: { execution_id, status: 'running' } })
    expect(engine.journal.unfinished()).toMatchObject([{ execution_id }])
  })

  it('that is refused leaves no claim', async () => {
    await expect(admit(claim())).rejects.toMatchObject({ code: 'deployment_not_found' })
    await engine.deploy('once', {})
    await admit(claim())
  })
})

describe('an answer', () => {
  const store = (given: Claim, body: string) => engine.store.write(storeAnswer, { claim: given, answer: { ...answer, body } })
  const recall = (given = claim()) => recallRequest(engine.store.read, given)

  it('is kept with or without a change, and the first stays', async () => {
    await create('a', claim())
    await store(claim(), 'one')
    await store(claim(), 'two')
    expect(await recall()).toEqual({ answer: { status: 200, headers: {}, body: 'one' } })
    await store(claim({ key: 'other' }), 'three')
    expect(await recall(claim({ key: 'other' }))).toMatchObject({ answer: { body: 'three' } })
  })

  it('is kept for no other request, nor in place of an execution', async () => {
    await create('a', claim())
    await store(claim({ fingerprint: 'other' }), 'one')
    expect(await recall()).toEqual({ recorded: { result: agent('a') } })
    await engine.deploy('once', {})
    await admit(claim({ key: 'execution' }))
    await store(claim({ key: 'execution' }), 'one')
    expect(await recall(claim({ key: 'execution' }))).toMatchObject({ admitted: {} })
  })
})

describe('keys that are kept no longer', () => {
  it('are deleted in batches, and no others are', async () => {
    const { now } = claim()
    for (let index = 0; index < 5; index++) await create(`old${index}`, claim({ key: `old${index}` }))
    await create('new', claim({ key: 'new', now: now + 1 }))
    const purge = () => engine.store.write(purgeIdempotencyKeys, { now: now + CLAIM_KEPT_MS, limit: 2 })
    const left = async () => (await engine.store.read.selectFrom('idempotency_keys').select('key').execute()).map(({ key }) => key)
    expect(await purge()).toBe(true)
    expect(await left()).toHaveLength(4)
    expect([await purge(), await purge(), await purge()]).toEqual([true, false, false])
    expect(await left()).toEqual(['new'])
  })

  it('are found by their age alone, without looking at the others', async () => {
    const plan = engine.store.reader
      .prepare('explain query plan select caller, method, path, key from idempotency_keys where created_at <= 1 limit 2')
      .all()
    expect(plan.map((row) => row['detail'])).toEqual([expect.stringContaining('USING COVERING INDEX idempotency_keys_age')])
  })
})
