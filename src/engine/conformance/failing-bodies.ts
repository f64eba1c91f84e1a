import { describe, expect, it } from 'vitest'
import { until } from '../../../test/support/api.ts'
import type { EngineUnderTest } from '../../../test/support/engine.ts'
import { resumeExecution } from '../../executions/in-flight-repository.ts'
import { decideApproval } from '../../executions/signal-repository.ts'
import type { Connection, Definition, StepNode } from '../../graph/definition.ts'
import { held, refuses } from './replies.ts'
import { begin, ended, rested } from './started.ts'

const step = (step_id: string, step_type: string, config: object = {}, ...dependencies: string[]): StepNode => ({
  step_id,
  step_type,
  config: config as Record<string, unknown>,
  dependencies,
})
const connect = (source: string, target: string, source_handle?: string): Connection => ({
  source_step_id: source,
  target_step_id: target,
  connection_type: 'default',
  ...(source_handle !== undefined && { source_handle }),
})

/** Each item says what is done with it: a wait of some kind, a model that is called, or a failure. */
function each(items: string[], more: Partial<Definition> = {}, config: object = {}): Partial<Definition> {
  const ways = ['ask', 'hear', 'sleep', 'call']
  return {
    steps: [
      step('each', 'map', { items, ...config }),
      step('way', 'branch', { cases: ways.map((name) => ({ name, when: `item == "${name}"` })), otherwise: 'fail' }),
      step('ask', 'approval', { message: 'May it?' }),
      step('hear', 'signal', { name: 'go' }),
      step('sleep', 'wait', { seconds: 600 }),
      step('call', 'agent', { model: 'fake/model' }),
      step('fail', 'transform', { template: '{{ input.none.none }}' }),
      ...(more.steps ?? []),
    ],
    connections: [
      connect('each', 'way', 'body'),
      ...[...ways, 'fail'].map((name) => connect('way', name, name)),
      ...(more.connections ?? []),
    ],
  }
}

async function states(engine: EngineUnderTest, id: string): Promise<Record<string, string>> {
  const steps = await engine.steps(id)
  return Object.fromEntries(steps.filter(({ step_id }) => !step_id.endsWith('/way')).map(({ step_id, status }) => [step_id, status]))
}

export function describeFailingBodies(engine: () => EngineUnderTest): void {
  describe('a body that fails', () => {
    it.each([
      ['after', ['ask', 'hear', 'sleep', 'fail']],
      ['before', ['fail', 'ask', 'hear', 'sleep']],
    ])('ends what waits beside it, that began %s', async (_when, items) => {
      await engine().deploy('failing', each(items))
      const { execution, outcome } = await engine().run('failing')
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'template_failed' } })
      const found = await states(engine(), execution.execution_id)
      expect(new Set(Object.values(found))).toEqual(new Set(['failed']))
      expect(engine().faults).toEqual([])
    })

    it('is left by its error edge at once, and what was asked beside it cannot be decided any more', async () => {
      const rescue = step('rescue', 'transform', { template: 'rescued: {{ steps.each.output.error.code }}' })
      await engine().deploy('rescued', each(['ask', 'fail'], { steps: [rescue], connections: [connect('each', 'rescue', 'error')] }))
      const { execution, outcome } = await engine().run('rescued')
      expect(outcome).toMatchObject({ status: 'completed', response: 'rescued: template_failed' })
      expect(await states(engine(), execution.execution_id)).toEqual({
        each: 'failed',
        'each[0]/ask': 'failed',
        'each[1]/fail': 'failed',
        rescue: 'completed',
      })
    })

    it('lets what is at work beside it come to its end, and what that goes on to wait for is over at once', async () => {
      const call = held(() => ({ text: 'done' }))
      engine().models.replies = [call.reply]
      const more = { steps: [step('then', 'approval', { message: 'And then?' })], connections: [connect('call', 'then')] }
      await engine().deploy('working', each(['call', 'fail'], more))
      const { execution, outcome } = await begin(engine(), 'working')
      await until(async () => engine().models.requests.length === 1, 'the call')
      call.go()
      expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'template_failed' } })
      expect(await states(engine(), execution.execution_id)).toMatchObject({ 'each[0]/call#1': 'completed', 'each[0]/then': 'failed' })
    })

    it('fails the same after a crash, whatever was abandoned', async () => {
      const call = held(() => ({ text: 'done' }))
      engine().models.replies = [call.reply]
      await engine().deploy('crashed', each(['ask', 'fail', 'call']))
      const { execution } = await begin(engine(), 'crashed')
      const id = execution.execution_id
      await until(async () => (await states(engine(), id))['each[0]/ask'] === 'failed', 'the abandoned question to be recorded')
      await engine().crash()
      engine().models.replies = [() => ({ text: 'done' })]
      await engine().dispatcher.recover()
      await ended(engine(), id)
      expect(JSON.parse((await engine().execution(id)).error!)).toMatchObject({ code: 'template_failed' })
      expect(await states(engine(), id)).toMatchObject({ 'each[0]/ask': 'failed', 'each[2]/call#1': 'completed' })
      expect(engine().faults).toEqual([])
    })

    it('asks again when it is resumed', async () => {
      engine().models.replies = [refuses, () => ({ text: 'done' })]
      await engine().deploy('resumed', each(['ask', 'call'], {}, { concurrency: 2 }))
      const { execution, outcome } = await engine().run('resumed')
      const id = execution.execution_id
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_refused' } })
      await engine().store.write(resumeExecution, { execution_id: id, now: engine().clock.now() })
      engine().dispatcher.heed([id])
      await rested(engine(), id)
      expect(await states(engine(), id)).toMatchObject({ 'each[0]/ask': 'running', 'each[1]/call#1': 'completed' })
      const decision = {
        execution_id: id,
        step_id: undefined,
        decision: 'approved',
        comment: undefined,
        now: engine().clock.now(),
      } as const
      await engine().store.write(decideApproval, decision)
      engine().dispatcher.heed([id])
      await ended(engine(), id)
      expect((await engine().execution(id)).status).toBe('completed')
    })

    it('of an item that a map goes on without ends nothing of the others', async () => {
      await engine().deploy('going-on', each(['ask', 'fail'], {}, { on_error: 'continue' }))
      const { execution } = await begin(engine(), 'going-on')
      const id = execution.execution_id
      await rested(engine(), id)
      expect(await states(engine(), id)).toMatchObject({ 'each[0]/ask': 'running', 'each[1]/fail': 'failed' })
    })
  })
}
