import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { cancelExecution } from '../../executions/in-flight-repository.ts'
import type { RecordedEvent } from '../journal.ts'
import { fails, hangs, refuses } from './replies.ts'
import { begin } from './started.ts'

export function describeExecution(engine: () => EngineUnderTest): void {
  describe('an execution', () => {
    it('is recorded with its steps, attempts, tokens and counters', async () => {
      const id = await engine().deploy('one', agents({ id: 'a' }))
      const { execution, outcome } = await engine().run('one')
      expect(outcome).toMatchObject({ status: 'completed', response: 'yes', tokens: { total: 3 } })
      expect(await engine().execution(execution.execution_id)).toMatchObject({
        status: 'completed',
        response: 'yes',
        input_tokens: 1,
        output_tokens: 2,
      })
      const steps = await engine().steps(execution.execution_id)
      expect(steps).toMatchObject([{ step_id: 'a#1', kind: 'model', status: 'completed', attempts: [{ number: 1 }] }])
      expect(await engine().deployment(id)).toMatchObject({ execution_count: 1, error_count: 0, last_error: null })
      expect(engine().faults).toEqual([])
    })

    it('retries a failing step as often as max_retries says, then fails with its error', async () => {
      const id = await engine().deploy('busy', agents({ id: 'a' }), { max_retries: 2 })
      engine().models.replies = [() => fails()]
      const { execution, outcome } = await engine().run('busy')
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_failed' } })
      const [step] = await engine().steps(execution.execution_id)
      expect(step).toMatchObject({ status: 'failed' })
      expect(step!.attempts.map((attempt) => attempt.error?.code)).toEqual(['model_failed', 'model_failed', 'model_failed'])
      expect(await engine().deployment(id)).toMatchObject({
        execution_count: 1,
        error_count: 1,
        last_error: expect.stringContaining('it is busy'),
      })
    })

    it("obeys an agent's own max_retries where it is lower, and not where it is higher", async () => {
      engine().models.replies = [() => fails()]
      await engine().deploy('low', agents({ id: 'a', max_retries: 0 }), { max_retries: 2 })
      await engine().deploy('high', agents({ id: 'a', max_retries: 5 }), { max_retries: 1 })
      const low = await engine().run('low')
      const high = await engine().run('high')
      expect((await engine().steps(low.execution.execution_id))[0]!.attempts).toHaveLength(1)
      expect((await engine().steps(high.execution.execution_id))[0]!.attempts).toHaveLength(2)
    })

    it('does not retry what cannot succeed', async () => {
      await engine().deploy('refused', agents({ id: 'a' }), { max_retries: 5 })
      engine().models.replies = [() => refuses()]
      const { execution, outcome } = await engine().run('refused')
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_refused', details: { step_id: 'a#1' } } })
      expect((await engine().steps(execution.execution_id))[0]!.attempts).toHaveLength(1)
    })

    it('waits as long as Retry-After says', async () => {
      await engine().deploy('later', agents({ id: 'a' }))
      let failedAt = 0
      engine().models.replies = [
        () => {
          failedAt = performance.now()
          return fails(700)
        },
        () => ({ text: 'now' }),
      ]
      const { outcome } = await engine().run('later')
      expect(outcome).toMatchObject({ status: 'completed', response: 'now' })
      expect(performance.now() - failedAt).toBeGreaterThanOrEqual(695)
    })

    it('has its failed attempt on disk before it waits for the next', async () => {
      await engine().deploy('resting', agents({ id: 'a' }))
      engine().models.replies = [() => setTimeout(50).then(() => fails(60_000))]
      const { execution } = await begin(engine(), 'resting')
      await until(async () => (await engine().steps(execution.execution_id))[0]?.attempts[0]?.error, 'the failed attempt')
      expect((await engine().steps(execution.execution_id))[0]).toMatchObject({
        status: 'running',
        attempts: [{ error: { code: 'model_failed' } }],
      })
    })

    it('takes back what an abandoned attempt had streamed', async () => {
      await engine().deploy('again', agents({ id: 'a' }))
      engine().models.replies = [
        (request) => {
          request.onText('half 🎉')
          return fails()
        },
        () => ({ text: 'whole' }),
      ]
      const { execution } = await engine().run('again')
      const events = await engine().events(execution.execution_id)
      const order = events.filter(({ type }) => type !== 'step').map(({ type, data, discard }) => [type, data ?? discard])
      // Characters are code points: the party popper counts as one.
      expect(order).toEqual([
        ['content', 'half 🎉'],
        ['retry', 6],
        ['content', 'whole'],
      ])
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 2))
    })

    it('ends after its timeout, and aborts the call', async () => {
      const id = await engine().deploy('slow', agents({ id: 'a' }), { timeout: 1 })
      let aborted = false
      engine().models.replies = [
        (request) => {
          request.signal.addEventListener('abort', () => (aborted = true))
          return hangs(request)
        },
      ]
      const { execution, outcome } = await engine().run('slow')
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
      expect(aborted).toBe(true)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'failed' })
      expect(await engine().deployment(id)).toMatchObject({ execution_count: 1, error_count: 1 })
    })

    it('ends after its timeout even if the call does not heed its signal', async () => {
      await engine().deploy('deaf', agents({ id: 'a' }), { timeout: 1 })
      engine().models.replies = [() => new Promise(() => undefined)]
      expect((await engine().run('deaf')).outcome).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
    })

    it('stays as it was when it is cancelled in the journal before it ends', async () => {
      await engine().deploy('gone', agents({ id: 'a' }))
      const execution = await engine().admit('gone')
      const heard: RecordedEvent[] = []
      engine().hub.listen(execution.execution_id, (events) => heard.push(...events))
      let finish: () => void = () => undefined
      engine().models.replies = [() => new Promise((resolve) => (finish = () => resolve({ text: 'too late' })))]
      const outcome = engine().dispatcher.start(execution)
      await until(async () => engine().models.requests.length > 0, 'the call')
      const cancelled = await engine().store.write(cancelExecution, { execution_id: execution.execution_id, now: 1 })
      finish()
      expect(await outcome).toEqual({ status: 'cancelled' })
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'cancelled', response: null })
      await engine().dispatcher.cancel([cancelled])
      expect(heard.at(-1)).toMatchObject({
        type: 'status',
        status: 'error',
        code: 'execution_cancelled',
        at: 1,
        id: cancelled.last_event_id,
      })
    })
  })
}
