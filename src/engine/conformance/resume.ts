import { describe, expect, it } from 'vitest'
import { agents, type EngineUnderTest, type Reply } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import type { Connection, Definition, StepNode } from '../../graph/definition.ts'
import { resumeExecution } from '../../executions/in-flight-repository.ts'
import { calling, fails, hangs, held, refuses } from './replies.ts'
import { begin, ended } from './started.ts'
import { freeze, reactivate } from './stops.ts'

const named = (step_id: string): StepNode => ({ step_id, step_type: 'agent', config: { model: 'fake/model', system_prompt: step_id } })
const joined = (source: string, target: string, source_handle?: string): Connection => ({
  source_step_id: source,
  target_step_id: target,
  connection_type: 'default',
  ...(source_handle !== undefined && { source_handle }),
})

/** Agents answer with their names but for these. @returns who was called */
function playing(engine: EngineUnderTest, others: Record<string, Reply>, called: string[] = []): string[] {
  engine.models.replies = [
    (request) => {
      const name = request.system!
      called.push(name)
      return others[name]?.(request) ?? { text: name }
    },
  ]
  return called
}

export function describeResume(engine: () => EngineUnderTest): void {
  describe('a failed execution', () => {
    const resume = async (executionId: string) => {
      await engine().store.write(resumeExecution, { execution_id: executionId, now: engine().clock.now() })
      engine().dispatcher.heed([executionId])
      await ended(engine(), executionId)
      return engine().execution(executionId)
    }

    const states = async (executionId: string): Promise<Record<string, string>> =>
      Object.fromEntries((await engine().steps(executionId)).map(({ step_id, status }) => [step_id, status]))

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

    it('stands by a way that was taken for a failure, and tries only what nobody went on from', async () => {
      const called = playing(engine(), { pay: refuses, end: refuses })
      await engine().deploy('paid', {
        steps: ['pay', 'ship', 'refund', 'end'].map((id) => named(id)),
        connections: [joined('pay', 'ship'), joined('pay', 'refund', 'error'), joined('refund', 'end')],
      })
      const { execution } = await engine().run('paid')
      expect(called).toEqual(['pay', 'refund', 'end'])
      playing(engine(), {}, called)
      expect(await resume(execution.execution_id)).toMatchObject({ status: 'completed', response: 'end' })
      expect(called).toEqual(['pay', 'refund', 'end', 'end'])
      expect(await states(execution.execution_id)).toEqual({ 'pay#1': 'failed', 'refund#1': 'completed', 'end#1': 'completed' })
    })

    it('does not reopen the items that a map went on without, nor a body that an error edge leads away from', async () => {
      const called = playing(engine(), { item: refuses, end: refuses })
      const body = (on_error: string, more: Connection[]): Partial<Definition> => ({
        steps: [{ step_id: 'each', step_type: 'map', config: { items: [1, 2], on_error } }, named('item'), named('end')],
        connections: [joined('each', 'item', 'body'), ...more],
      })
      await engine().deploy('going-on', body('continue', [joined('each', 'end')]))
      await engine().deploy('leaving', body('fail', [joined('each', 'end', 'error')]))
      for (const [name, each] of [
        ['going-on', 'completed'],
        ['leaving', 'failed'],
      ] as const) {
        playing(engine(), { item: refuses, end: refuses }, called)
        const { execution } = await engine().run(name)
        playing(engine(), {}, called)
        called.length = 0
        expect(await resume(execution.execution_id)).toMatchObject({ status: 'completed', response: 'end' })
        expect(called).toEqual(['end'])
        expect(await states(execution.execution_id)).toEqual({
          each,
          'each[0]/item#1': 'failed',
          'each[1]/item#1': 'failed',
          'end#1': 'completed',
        })
      }
    })

    it('stands by it also when a crash came before the failure that it was resumed from', async () => {
      const called = playing(engine(), { pay: refuses, end: hangs })
      await engine().deploy('crashed', {
        steps: ['pay', 'refund', 'end'].map((id) => named(id)),
        connections: [joined('pay', 'refund', 'error'), joined('refund', 'end')],
      })
      const { execution } = await begin(engine(), 'crashed')
      await until(async () => called.includes('end'), 'the last call')
      await engine().crash()
      playing(engine(), { end: refuses }, called)
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      playing(engine(), {}, called)
      expect(await resume(execution.execution_id)).toMatchObject({ status: 'completed', response: 'end' })
      expect(called).toEqual(['pay', 'refund', 'end', 'end', 'end'])
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
