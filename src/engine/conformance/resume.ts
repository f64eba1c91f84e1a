import { describe, expect, it } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { resumeExecution } from '../../executions/in-flight-repository.ts'
import { calling, fails, hangs, held, refuses } from './replies.ts'
import { begin, ended } from './started.ts'
import { freeze, reactivate } from './stops.ts'

export function describeResume(engine: () => EngineUnderTest): void {
  describe('a failed execution', () => {
    const resume = async (executionId: string) => {
      await engine().store.write(resumeExecution, { execution_id: executionId, now: engine().clock.now() })
      engine().dispatcher.heed([executionId])
      await ended(engine(), executionId)
      return engine().execution(executionId)
    }

    it('is resumed from the step that failed, with all its retries, and keeps what was recorded', async () => {
      const id = await engine().deploy('team', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }), { max_retries: 1 })
      engine().models.replies = [calling('b'), () => fails()]
      const { execution, outcome } = await engine().run('team')
      expect(outcome).toMatchObject({ status: 'failed' })
      expect(await engine().deployment(id)).toMatchObject({ execution_count: 1, error_count: 1 })

      engine().models.requests.length = 0
      engine().models.replies = [() => fails(), () => ({ text: 'from b' }), () => ({ text: 'end' })]
      const resumed = await resume(execution.execution_id)
      expect(resumed).toMatchObject({ status: 'completed', response: 'end', error: null, recoveries: 0, release_number: 1 })
      expect(engine().models.requests.map(({ idempotency_key }) => idempotency_key.split(':')[1])).toEqual([
        'lead#1.1/b#1',
        'lead#1.1/b#1',
        'lead#2',
      ])
      const steps = await engine().steps(execution.execution_id)
      expect(steps.map(({ step_id, status, attempts }) => [step_id, status, attempts.length])).toEqual([
        ['lead#1', 'completed', 1],
        ['lead#1.1', 'completed', 2],
        ['lead#1.1/b#1', 'completed', 4],
        ['lead#2', 'completed', 1],
      ])
      expect(await engine().deployment(id)).toMatchObject({ execution_count: 1, error_count: 0 })
    })

    it('has the ids of its events go on, and what the failed step had streamed taken back', async () => {
      await engine().deploy('torn', agents({ id: 'a' }), { max_retries: 0 })
      engine().models.replies = [
        (request) => {
          request.onText('torn')
          return fails()
        },
      ]
      const { execution } = await engine().run('torn')
      const failed = await engine().execution(execution.execution_id)
      engine().models.replies = [() => ({ text: 'whole' })]
      const resumed = await resume(execution.execution_id)
      const events = await engine().events(execution.execution_id)
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 2))
      expect(events.find(({ type }) => type === 'resume')).toMatchObject({ id: failed.last_event_id, failure: { code: 'model_failed' } })
      expect(events.filter(({ type }) => type !== 'step').map(({ type, data, discard }) => [type, data ?? discard])).toEqual([
        ['content', 'torn'],
        ['resume', undefined],
        ['retry', 4],
        ['content', 'whole'],
      ])
      expect(resumed.last_event_id).toBe(events.length + 2)
    })

    it('that timed out has its timeout anew, and one that crashed too often its tries', async () => {
      await engine().deploy('late', agents({ id: 'a' }), { timeout: 1 })
      engine().models.replies = [hangs]
      const { execution } = await engine().run('late')
      engine().models.replies = [() => ({ text: 'in time' })]
      expect(await resume(execution.execution_id)).toMatchObject({ status: 'completed', response: 'in time' })

      await engine().deploy('poison', agents({ id: 'a' }))
      engine().models.replies = [hangs]
      const poison = await engine().admit('poison')
      void engine().dispatcher.start(poison)
      for (let crash = 1; crash <= 4; crash++) {
        await until(async () => (await engine().steps(poison.execution_id))[0]?.attempts.length === crash, `attempt ${crash}`)
        await engine().crash()
        await engine().dispatcher.recover()
      }
      await ended(engine(), poison.execution_id)
      engine().models.replies = [() => ({ text: 'cured' })]
      expect(await resume(poison.execution_id)).toMatchObject({ status: 'completed', response: 'cured' })
    })

    it('goes on after a crash as if it had never failed', async () => {
      await engine().deploy('twice', agents({ id: 'a' }), { max_retries: 0 })
      engine().models.replies = [() => fails()]
      const { execution } = await engine().run('twice')
      await engine().store.write(resumeExecution, { execution_id: execution.execution_id, now: 1 })
      await engine().crash()
      engine().models.replies = [() => ({ text: 'at last' })]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', recoveries: 0 })
    })

    it('that failed while it was frozen is resumed after a reactivation', async () => {
      await engine().deploy('frozen', agents({ id: 'a' }))
      const refused = held(refuses)
      engine().models.replies = [refused.reply, () => ({ text: 'ok' })]
      const { execution, outcome } = await begin(engine(), 'frozen')
      await until(async () => engine().models.requests.length === 1, 'the call')
      await freeze(engine(), 'frozen')
      refused.go()
      expect(await outcome).toMatchObject({ status: 'failed' })
      await reactivate(engine(), 'frozen')
      expect(await resume(execution.execution_id)).toMatchObject({ status: 'completed', response: 'ok', frozen: 0 })
    })
  })
}
