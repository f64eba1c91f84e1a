import { describe, expect, it } from 'vitest'
import { agents, REST_FROM_MS, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { deleteDeployment } from '../../deployments/repository.ts'
import type { AdmittedExecution, RuntimeConfig } from '../journal.ts'
import type { Outcome } from '../outcome.ts'
import { fails } from './replies.ts'
import { begin, ended, rested } from './started.ts'
import { cancelAll, freeze, reactivate } from './stops.ts'

interface Begun {
  execution: AdmittedExecution
  outcome: Promise<Outcome>
}

const one = agents({ id: 'a' })

export function describeLimits(engine: () => EngineUnderTest): void {
  /** Model calls that are under way, in the order in which they came: the executions that ran so far. */
  const callsHeld = (): { executionId: string; finish: () => void }[] => {
    const calls: { executionId: string; finish: () => void }[] = []
    engine().models.replies = [
      ({ idempotency_key, signal }) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
          calls.push({ executionId: idempotency_key.split(':')[0]!, finish: () => resolve({ text: 'ok' }) })
        }),
    ]
    return calls
  }
  const beginMany = async (name: string, count: number): Promise<Begun[]> => {
    const begun: Begun[] = []
    for (let index = 0; index < count; index++) begun.push(await begin(engine(), name))
    return begun
  }
  const idsOf = (begun: readonly Begun[]): string[] => begun.map(({ execution }) => execution.execution_id)
  const statusOf = async (id: string): Promise<string> => (await engine().execution(id)).status
  const statusesOf = (begun: readonly Begun[]): Promise<string[]> => Promise.all(idsOf(begun).map(statusOf))
  const came = (calls: readonly unknown[], count: number): Promise<true> => until(async () => calls.length === count, `call ${count}`)
  const limited = (name: string, concurrency: RuntimeConfig['concurrency']): Promise<string> =>
    engine().deploy(name, one, concurrency && { concurrency })

  describe('a deployment with a concurrency', () => {
    it('runs so many executions at a time, and the others in the order of their admission', async () => {
      const calls = callsHeld()
      await limited('two', { limit: 2, queue: 10 })
      const begun = await beginMany('two', 5)
      expect(begun.map(({ execution }) => execution.status)).toEqual(['running', 'running', 'queued', 'queued', 'queued'])
      await came(calls, 2)
      for (let ends = 0; ends < 3; ends++) {
        calls[ends]!.finish()
        await came(calls, ends + 3)
        expect((await statusesOf(begun)).filter((status) => status === 'running')).toHaveLength(2)
      }
      for (const { finish } of calls) finish()
      expect((await Promise.all(begun.map(({ outcome }) => outcome))).map(({ status }) => status)).toEqual(Array(5).fill('completed'))
      expect(calls.map(({ executionId }) => executionId)).toEqual(idsOf(begun))
    })

    it('refuses what finds its queue full, and writes nothing of it', async () => {
      const calls = callsHeld()
      await limited('full', { limit: 1, queue: 1 })
      const begun = await beginMany('full', 2)
      const before = await engine().store.read.selectFrom('executions').select('execution_id').execute()
      await expect(engine().admit('full')).rejects.toMatchObject({
        code: 'deployment_busy',
        retryAfter: 1,
        reached: { policy: 'deployment-concurrency', quota: 1, remaining: 0 },
      })
      expect(await engine().store.read.selectFrom('executions').select('execution_id').execute()).toEqual(before)
      await came(calls, 1)
      calls[0]!.finish()
      await came(calls, 2)
      begun.push(await begin(engine(), 'full'))
      calls[1]!.finish()
      await came(calls, 3)
      calls[2]!.finish()
      expect((await Promise.all(begun.map(({ outcome }) => outcome))).map(({ status }) => status)).toEqual(Array(3).fill('completed'))
    })

    it('keeps no other deployment waiting', async () => {
      const calls = callsHeld()
      await limited('narrow', { limit: 1, queue: 10 })
      await limited('wide', undefined)
      await beginMany('narrow', 3)
      const [other] = await beginMany('wide', 1)
      expect(other!.execution.status).toBe('running')
      await until(async () => calls.some(({ executionId }) => executionId === other!.execution.execution_id), 'the other to run')
    })

    it('holds to it in a later process, in the same order', async () => {
      callsHeld()
      await limited('kept', { limit: 2, queue: 10 })
      const begun = await beginMany('kept', 5)
      await engine().crash()
      const calls = callsHeld()
      await engine().dispatcher.recover()
      await came(calls, 2)
      expect(await statusesOf(begun)).toEqual(['running', 'running', 'queued', 'queued', 'queued'])
      for (let ends = 0; ends < 5; ends++) {
        await came(calls, Math.min(5, ends + 2))
        calls[ends]!.finish()
      }
      for (const id of idsOf(begun)) await ended(engine(), id)
      // The two that had run before go on beside each other.
      const order = calls.map(({ executionId }) => executionId)
      expect([order.slice(0, 2).toSorted(), ...order.slice(2)]).toEqual([idsOf(begun).slice(0, 2), ...idsOf(begun).slice(2)])
    })

    it('lets what had begun go on in a later process, when it may have fewer since', async () => {
      callsHeld()
      await limited('lowered', { limit: 3, queue: 10 })
      const begun = await beginMany('lowered', 4)
      await limited('lowered', { limit: 1, queue: 10 })
      await engine().crash()
      const calls = callsHeld()
      await engine().dispatcher.recover()
      await came(calls, 3)
      for (const { finish } of calls.slice(0, 2)) finish()
      await until(async () => (await statusesOf(begun)).filter((status) => status === 'completed').length === 2, 'two ends')
      expect(await statusOf(begun[3]!.execution.execution_id)).toBe('queued')
      calls[2]!.finish()
      await came(calls, 4)
      calls[3]!.finish()
      await ended(engine(), begun[3]!.execution.execution_id)
    })

    it('starts those that wait when it may have more', async () => {
      const calls = callsHeld()
      const id = await limited('raised', { limit: 1, queue: 10 })
      const begun = await beginMany('raised', 4)
      await came(calls, 1)
      await limited('raised', { limit: 3, queue: 10 })
      engine().dispatcher.heedDeployment(id)
      await came(calls, 3)
      await limited('raised', undefined)
      engine().dispatcher.heedDeployment(id)
      await came(calls, 4)
      for (const { finish } of calls) finish()
      expect((await Promise.all(begun.map(({ outcome }) => outcome))).map(({ status }) => status)).toEqual(Array(4).fill('completed'))
    })

    it('cancels what waits as well as what runs, and gives the place to the next', async () => {
      const calls = callsHeld()
      await limited('cancelled', { limit: 1, queue: 10 })
      const begun = await beginMany('cancelled', 3)
      await came(calls, 1)
      await cancelAll(engine(), 'cancelled')
      expect(await Promise.all(begun.map(({ outcome }) => outcome))).toEqual(Array.from({ length: 3 }, () => ({ status: 'cancelled' })))
      await reactivate(engine(), 'cancelled')
      const [after] = await beginMany('cancelled', 1)
      await came(calls, 2)
      calls[1]!.finish()
      expect(await after!.outcome).toMatchObject({ status: 'completed' })
    })

    it('freezes what waits, and goes on with it in the same order', async () => {
      const calls = callsHeld()
      await limited('frozen', { limit: 1, queue: 10 })
      await engine().deploy('idle', { agents: [{ agent_id: 'a', config: { model: 'fake/idle' } }] })
      const begun = await beginMany('frozen', 3)
      await came(calls, 1)
      await freeze(engine(), 'frozen')
      calls[0]!.finish()
      expect(await begun[0]!.outcome).toMatchObject({ status: 'completed' })
      // By the end of so many others both would have called the model.
      const [hold] = engine().models.replies
      engine().models.replies = [(request) => (request.model === 'fake/idle' ? { text: 'ok' } : hold!(request))]
      for (const _ of [1, 2, 3, 4]) await engine().run('idle')
      expect(calls).toHaveLength(1)
      expect((await statusesOf(begun)).slice(1)).toEqual(['waiting', 'waiting'])
      await reactivate(engine(), 'frozen')
      for (const next of [1, 2]) {
        await came(calls, next + 1)
        expect((await statusesOf(begun)).filter((status) => status === 'running')).toHaveLength(1)
        calls[next]!.finish()
      }
      expect((await Promise.all(begun.map(({ outcome }) => outcome))).map(({ status }) => status)).toEqual(Array(3).fill('completed'))
      expect(calls.map(({ executionId }) => executionId)).toEqual(idsOf(begun))
    })

    it('has a place for another while one rests, which then waits for its turn', async () => {
      await limited('resting', { limit: 1, queue: 10 })
      let firstCalls = 0
      const calls = callsHeld()
      const [hold] = engine().models.replies
      engine().models.replies = [(request) => (firstCalls++ === 0 ? fails(2 * REST_FROM_MS) : hold!(request))]
      const [first] = await beginMany('resting', 1)
      await rested(engine(), first!.execution.execution_id)
      const [second] = await beginMany('resting', 1)
      expect(second!.execution.status).toBe('running')
      await came(calls, 1)
      const { wake_at } = await engine().execution(first!.execution.execution_id)
      await until(async () => engine().clock.now() > wake_at! + 100, 'the time of the first')
      const [third] = await beginMany('resting', 1)
      expect(third!.execution.status).toBe('queued')
      for (const turn of [0, 1, 2]) {
        await came(calls, turn + 1)
        calls[turn]!.finish()
      }
      await Promise.all([first, second, third].map((begun) => begun!.outcome))
      expect(calls.map(({ executionId }) => executionId)).toEqual(idsOf([second!, first!, third!]))
    })

    it('gives no place away to what failed, or was cancelled while it was admitted', async () => {
      await limited('freed', { limit: 1, queue: 0 })
      engine().models.replies = [() => fails()]
      await engine().deploy('freed', one, { concurrency: { limit: 1, queue: 0 }, max_retries: 0 })
      const [failed] = await beginMany('freed', 1)
      expect(await failed!.outcome).toMatchObject({ status: 'failed' })
      const [admitted] = await Promise.all([begin(engine(), 'freed'), cancelAll(engine(), 'freed')])
      expect(await admitted.outcome).toEqual({ status: 'cancelled' })
      await reactivate(engine(), 'freed')
      const calls = callsHeld()
      const [last] = await beginMany('freed', 1)
      await came(calls, 1)
      await expect(engine().admit('freed')).rejects.toMatchObject({ code: 'deployment_busy' })
      calls[0]!.finish()
      expect(await last!.outcome).toMatchObject({ status: 'completed' })
    })

    it('stays within it whatever happens at once', async () => {
      const calls = callsHeld()
      await limited('busy', { limit: 3, queue: 100 })
      const begun = await Promise.all(Array.from({ length: 40 }, () => begin(engine(), 'busy')))
      let finished = 0
      let most = 0
      const done = Promise.all(begun.map(({ outcome }) => outcome))
      for (let isDone = false; !isDone;) {
        const { count } = await engine()
          .store.read.selectFrom('executions')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('status', '=', 'running')
          .executeTakeFirstOrThrow()
        most = Math.max(most, count)
        while (finished < calls.length) calls[finished++]!.finish()
        isDone = await Promise.race([done.then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))])
      }
      expect((await done).every(({ status }) => status === 'completed')).toBe(true)
      expect(most).toBe(3)
    })
  })

  describe('a deployment with a rate limit', () => {
    const rate_limit = { requests: 2, seconds: 60 }

    it('takes so many executions, says how it stands, and refuses the rest until there is room', async () => {
      await engine().deploy('rated', one, { rate_limit })
      const { clock } = engine()
      const start = clock.now()
      const at = (seconds: number) => ({ now: start + seconds * 1_000 })
      expect((await engine().admit('rated', at(0))).rate).toEqual({ ...rate_limit, remaining: 1, reset: 30 })
      expect((await engine().admit('rated', at(0))).rate).toEqual({ ...rate_limit, remaining: 0, reset: 30 })
      const refused = {
        code: 'deployment_rate_limited',
        retryAfter: 20,
        reached: { policy: 'deployment', quota: 2, window: 60, remaining: 0 },
      }
      await expect(engine().admit('rated', at(10))).rejects.toMatchObject(refused)
      await expect(engine().admit('rated', at(10))).rejects.toMatchObject(refused)
      expect((await engine().admit('rated', at(30))).rate).toMatchObject({ remaining: 0 })
    })

    it('counts on in a later process, and begins anew when the name does', async () => {
      await engine().deploy('deleted', one, { rate_limit })
      for (const _ of [1, 2]) await engine().admit('deleted')
      await engine().crash()
      await expect(engine().admit('deleted')).rejects.toMatchObject({ code: 'deployment_rate_limited' })
      await engine().store.write(deleteDeployment, { name: 'deleted', environments: ['production'], now: engine().clock.now() })
      await engine().deploy('deleted', one, { rate_limit })
      expect((await engine().admit('deleted')).rate).toMatchObject({ remaining: 1 })
    })

    it('counts nothing that is refused for another reason', async () => {
      callsHeld()
      await engine().deploy('both', one, { rate_limit, concurrency: { limit: 1, queue: 0 } })
      await beginMany('both', 1)
      for (const _ of [1, 2, 3]) await expect(engine().admit('both')).rejects.toMatchObject({ code: 'deployment_busy' })
      await cancelAll(engine(), 'both')
      await reactivate(engine(), 'both')
      expect((await engine().admit('both')).rate).toMatchObject({ remaining: 0 })
    })
  })

  describe('an API key with a concurrency', () => {
    const byKey = { api_key_id: 'key', key_concurrency: 1 }

    it('has no more executions queued or running, wherever they run', async () => {
      const calls = callsHeld()
      await limited('a', { limit: 1, queue: 10 })
      await limited('b', undefined)
      await beginMany('a', 1)
      const queued = await engine().admit('a', byKey)
      const outcome = engine().dispatcher.start(queued)
      expect(queued.status).toBe('queued')
      const refused = { code: 'key_busy', reached: { policy: 'key-concurrency', quota: 1, remaining: 0 } }
      await expect(engine().admit('b', byKey)).rejects.toMatchObject(refused)
      const other = await engine().admit('b', { ...byKey, api_key_id: 'other' })
      void engine().dispatcher.start(other)
      for (const turn of [1, 2, 3]) {
        await came(calls, Math.max(2, turn))
        calls[turn - 1]!.finish()
      }
      expect(await outcome).toMatchObject({ status: 'completed' })
      expect(await engine().admit('b', byKey)).toMatchObject({ status: 'running' })
    })

    it('loses no place to what was refused, cancelled or rests', async () => {
      await limited('a', undefined)
      await expect(engine().admit('nobody', byKey)).rejects.toMatchObject({ code: 'deployment_not_found' })
      callsHeld()
      const cancelled = await engine().admit('a', byKey)
      const outcome = engine().dispatcher.start(cancelled)
      await cancelAll(engine(), 'a')
      await outcome
      await reactivate(engine(), 'a')
      engine().models.replies = [() => fails(3_600_000)]
      const resting = await engine().admit('a', byKey)
      void engine().dispatcher.start(resting)
      await rested(engine(), resting.execution_id)
      expect(await engine().admit('a', byKey)).toMatchObject({ status: 'running' })
    })

    it('still has those that a process before left running', async () => {
      callsHeld()
      await limited('a', undefined)
      void engine().dispatcher.start(await engine().admit('a', byKey))
      await engine().crash()
      const calls = callsHeld()
      await engine().dispatcher.recover()
      await came(calls, 1)
      await expect(engine().admit('a', byKey)).rejects.toMatchObject({ code: 'key_busy' })
    })
  })
}
