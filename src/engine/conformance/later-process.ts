import { setImmediate, setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { calling, fails, hangs } from './replies.ts'
import { begin, ended } from './started.ts'

export function describeLaterProcess(engine: () => EngineUnderTest): void {
  describe('a later process', () => {
    it('goes on with what an earlier one left, and repeats no recorded step', async () => {
      await engine().deploy('team', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
      engine().models.replies = [calling('b'), hangs]
      const { execution } = await begin(engine(), 'team')
      await until(async () => (await engine().steps(execution.execution_id)).length === 3, 'the steps to be recorded')
      await engine().crash()

      engine().models.requests.length = 0
      engine().models.replies = [() => ({ text: 'from b' }), () => ({ text: 'end' })]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'end', recoveries: 1 })
      expect(engine().models.requests.map(({ idempotency_key }) => idempotency_key.split(':')[1])).toEqual(['lead#1.1/b#1', 'lead#2'])
      const steps = await engine().steps(execution.execution_id)
      expect(steps.find(({ step_id }) => step_id === 'lead#1.1/b#1')!.attempts).toMatchObject([
        { error: { code: 'interrupted' } },
        { number: 2 },
      ])
    })

    it('gives up a step that was running in too many crashes', async () => {
      await engine().deploy('poison', agents({ id: 'a' }), { max_retries: 20 })
      engine().models.replies = [hangs]
      const { execution } = await begin(engine(), 'poison')
      for (let crash = 1; crash <= 4; crash++) {
        await until(async () => (await engine().steps(execution.execution_id))[0]?.attempts.length === crash, `attempt ${crash}`)
        await engine().crash()
        await engine().dispatcher.recover()
      }
      await ended(engine(), execution.execution_id)
      expect(JSON.parse((await engine().execution(execution.execution_id)).error!)).toMatchObject({ code: 'step_interrupted' })
      // Once, and three times more because of crashes.
      expect(engine().models.requests).toHaveLength(4)
    })

    it('counts an attempt that a crash left no trace of as well', async () => {
      await engine().deploy('traceless', agents({ id: 'a' }), { max_retries: 20 })
      engine().models.replies = [hangs]
      const { execution } = await begin(engine(), 'traceless')
      await setImmediate()
      expect(engine().models.requests).toHaveLength(1)
      await engine().crash()
      expect(await engine().steps(execution.execution_id)).toEqual([])
      for (let calls = 2; calls <= 4; calls++) {
        await engine().dispatcher.recover()
        await until(async () => engine().models.requests.length === calls, `call ${calls}`)
        await engine().crash()
      }
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(JSON.parse((await engine().execution(execution.execution_id)).error!)).toMatchObject({ code: 'step_interrupted' })
      expect(engine().models.requests).toHaveLength(4)
    })

    it('retries no earlier than Retry-After allows, and takes a crash in that wait for none of the step', async () => {
      await engine().deploy('patient', agents({ id: 'a' }))
      let failedAt = 0
      engine().models.replies = [
        async () => {
          await setTimeout(50)
          failedAt = performance.now()
          return fails(1_500)
        },
        () => ({ text: 'at last' }),
      ]
      const { execution } = await begin(engine(), 'patient')
      await until(async () => (await engine().steps(execution.execution_id))[0]?.attempts[0]?.error, 'the failed attempt')
      await engine().crash()
      expect(engine().models.requests).toHaveLength(1)
      await engine().dispatcher.recover()
      await until(async () => engine().models.requests.length === 2, 'the retry')
      expect(performance.now() - failedAt).toBeGreaterThanOrEqual(1_495)
      await ended(engine(), execution.execution_id)
      const [step] = await engine().steps(execution.execution_id)
      expect(step!.attempts.map(({ error }) => error?.code)).toEqual(['model_failed', undefined])
    })

    it('takes back what the interrupted attempt had streamed', async () => {
      await engine().deploy('torn', agents({ id: 'a' }))
      engine().models.replies = [
        (request) => {
          request.onText('torn text')
          return hangs(request)
        },
      ]
      const { execution } = await begin(engine(), 'torn')
      await until(async () => (await engine().events(execution.execution_id)).some(({ type }) => type === 'content'), 'the text')
      await engine().crash()
      engine().models.replies = [() => ({ text: 'whole' })]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      const events = await engine().events(execution.execution_id)
      expect(events.filter(({ type }) => type !== 'step').map(({ type, data, discard }) => [type, data ?? discard])).toEqual([
        ['content', 'torn text'],
        ['retry', 9],
        ['content', 'whole'],
      ])
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 2))
    })

    it('counts only the time that a process ran towards the timeout', async () => {
      await engine().deploy('patient', agents({ id: 'a' }), { timeout: 2 })
      engine().models.replies = [hangs]
      const { execution } = await begin(engine(), 'patient')
      await until(async () => (await engine().steps(execution.execution_id)).length === 1, 'the start')
      await engine().die()
      await setTimeout(2_100)
      await engine().open()
      engine().models.replies = [() => ({ text: 'still in time' })]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed' })
    })
  })
}
