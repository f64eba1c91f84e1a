import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { agents, REST_FROM_MS, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { fails, held } from './replies.ts'
import { begin, ended, rested } from './started.ts'
import { freeze, reactivate } from './stops.ts'

export function describeRest(engine: () => EngineUnderTest): void {
  describe('an execution that waits long', () => {
    it('rests outside of the memory until the time of its retry, and wakes by itself', async () => {
      await engine().deploy('resting', agents({ id: 'a' }))
      let failedAt = 0
      engine().models.replies = [
        () => {
          failedAt = performance.now()
          return fails(2 * REST_FROM_MS)
        },
        () => ({ text: 'rested' }),
      ]
      const { execution, outcome } = await begin(engine(), 'resting')
      await rested(engine(), execution.execution_id)
      expect(await outcome).toMatchObject({ status: 'completed', response: 'rested' })
      expect(performance.now() - failedAt).toBeGreaterThanOrEqual(2 * REST_FROM_MS - 5)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', recoveries: 0, wake_at: null })
    })

    it('wakes in a later process, at the time that it had', async () => {
      await engine().deploy('days', agents({ id: 'a' }), { timeout: 86_400 })
      const hours = 3_600_000
      engine().models.replies = [() => fails(10 * hours), () => ({ text: 'in the evening' })]
      const { execution } = await begin(engine(), 'days')
      await rested(engine(), execution.execution_id)
      await engine().crash()
      await engine().dispatcher.recover()
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'waiting' })

      const { clock } = engine()
      await engine().die()
      engine().clock = { ...clock, now: () => clock.now() + 11 * hours }
      await engine().open()
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ response: 'in the evening', recoveries: 0 })
      expect(engine().models.requests).toHaveLength(2)
    })

    it('rests no longer than its timeout', async () => {
      await engine().deploy('hasty', agents({ id: 'a' }), { timeout: 1 })
      engine().models.replies = [() => fails(3_600_000)]
      expect((await engine().run('hasty')).outcome).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
    })

    it('stays while a step beside the one that waits is at work', async () => {
      await engine().deploy('team', agents({ id: 'lead', calls: ['b', 'c'] }, { id: 'b' }, { id: 'c' }))
      const calls = ['b', 'c'].map((name) => ({ id: name, name, arguments: '{"query":"go"}' }))
      let finish: () => void = () => undefined
      engine().models.replies = [
        () => ({ calls }),
        () => new Promise((resolve) => (finish = () => resolve({ text: 'b' }))),
        () => fails(2 * REST_FROM_MS),
        () => ({ text: 'ok' }),
      ]
      const { execution, outcome } = await begin(engine(), 'team')
      await until(async () => (await engine().steps(execution.execution_id)).some(({ attempts }) => attempts[0]?.error), 'the failure')
      await setImmediate()
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'running' })
      finish()
      await rested(engine(), execution.execution_id)
      expect(await outcome).toMatchObject({ status: 'completed' })
      // Each step once, but for the one that failed.
      expect(engine().models.requests).toHaveLength(5)
    })

    it('goes on when it is woken, although its timeout came between its rest and the word of it', async () => {
      const timeout = 1
      await engine().deploy('late', agents({ id: 'a' }), { timeout })
      // Held by a freeze and by a retry, whose wait counts towards the timeout.
      const first = held(() => fails(timeout * 1_000))
      engine().models.replies = [first.reply, () => ({ text: 'in time' })]
      const { execution, outcome } = await begin(engine(), 'late')
      await until(async () => engine().models.requests.length === 1, 'the call')
      await freeze(engine(), 'late')
      const told = Promise.withResolvers<void>()
      const rest = engine().journal.rest.bind(engine().journal)
      vi.spyOn(engine().journal, 'rest').mockImplementationOnce(async (...args) => {
        const state = await rest(...args)
        await delay(timeout * 1_000 + 100)
        told.resolve()
        return state
      })
      first.go()
      await told.promise
      await reactivate(engine(), 'late')
      expect(await outcome).toMatchObject({ status: 'completed', response: 'in time' })
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', frozen: 0, wake_at: null })
      expect(engine().faults).toEqual([])
    })

    it('has none of its steps metered before it has ended', async () => {
      const stepEnded = vi.spyOn(engine().meter, 'stepEnded')
      await engine().deploy('metered', agents({ id: 'a' }))
      engine().models.replies = [() => fails(2 * REST_FROM_MS), () => ({ text: 'ok' })]
      await engine().run('metered')
      expect(stepEnded.mock.calls).toMatchObject([[{ status: 'completed' }]])
    })

    describe.each([
      { change: 'back', by: -3_600_000 },
      { change: 'forward', by: 3_600_000 },
    ])('wakes once and in time when the wall clock is set $change', ({ by }) => {
      let shift: number
      beforeEach(async () => {
        const { clock } = engine()
        await engine().die()
        shift = 0
        engine().clock = { ...clock, now: () => clock.now() + shift }
        await engine().open()
        await engine().deploy('shifted', agents({ id: 'a' }), { timeout: 20 })
        engine().models.replies = [() => fails(2 * REST_FROM_MS), () => ({ text: 'ok' })]
      })

      it.each(['before it rests', 'while it rests'])('%s', async (when) => {
        const takeUp = vi.spyOn(engine().journal, 'takeUp')
        if (when === 'before it rests') shift = by
        const { execution, outcome } = await begin(engine(), 'shifted')
        await rested(engine(), execution.execution_id)
        shift = by
        expect(await outcome).toMatchObject({ status: 'completed' })
        expect(takeUp).toHaveBeenCalledTimes(1)
      })

      it('and then waits for its next retry in full', async () => {
        let failedAt = 0
        engine().models.replies = [
          () => fails(2 * REST_FROM_MS),
          () => {
            failedAt = performance.now()
            return fails(REST_FROM_MS)
          },
          () => ({ text: `${performance.now() - failedAt}` }),
        ]
        const { execution, outcome } = await begin(engine(), 'shifted')
        await rested(engine(), execution.execution_id)
        shift = by
        const ended = await outcome
        expect(ended).toMatchObject({ status: 'completed' })
        expect(Number(ended.status === 'completed' && ended.response)).toBeGreaterThanOrEqual(REST_FROM_MS - 5)
      })
    })
  })
}
