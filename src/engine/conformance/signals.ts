import { describe, expect, it } from 'vitest'
import type { EngineUnderTest } from '../../../test/support/engine.ts'
import { resumeExecution } from '../../executions/in-flight-repository.ts'
import { decideApproval, sendSignal } from '../../executions/signal-repository.ts'
import type { Definition, StepNode } from '../../graph/definition.ts'
import { begin, ended, rested } from './started.ts'
import { held } from './replies.ts'
import { decideThaw, freeze, reactivate } from './stops.ts'

const step = (step_id: string, step_type: string, config: object = {}, ...dependencies: string[]): StepNode => ({
  step_id,
  step_type,
  config: config as Record<string, unknown>,
  dependencies,
})
const text = (id: string, template: string, ...dependencies: string[]): StepNode => step(id, 'transform', { template }, ...dependencies)

async function send(engine: EngineUnderTest, execution_id: string, name: string, payload: unknown): Promise<void> {
  await engine.store.write(sendSignal, { execution_id, name, payload, now: engine.clock.now() })
  engine.dispatcher.heed([execution_id])
}

async function decide(engine: EngineUnderTest, execution_id: string, decision: 'approved' | 'rejected', step_id?: string): Promise<void> {
  await engine.store.write(decideApproval, { execution_id, step_id, decision, comment: 'so be it', now: engine.clock.now() })
  engine.dispatcher.heed([execution_id])
}

const asked = (config: object = {}): Partial<Definition> => ({
  steps: [
    step('ok', 'approval', { message: 'Pay {{ query }}?', details: { sum: 7 }, ...config }),
    text('paid', 'paid {{ steps.ok.output.details.sum }}', 'ok'),
    text('refused', 'refused'),
  ],
  connections: [{ source_step_id: 'ok', target_step_id: 'refused', source_handle: 'rejected', connection_type: 'default' }],
})

export function describeSignals(engine: () => EngineUnderTest): void {
  describe('an execution that waits for a decision', () => {
    it('rests, and goes on as it is decided', async () => {
      await engine().deploy('asked', asked(), { timeout: 1 })
      for (const [decision, response] of [
        ['approved', 'paid 7'],
        ['rejected', 'refused'],
      ] as const) {
        const { execution, outcome } = await begin(engine(), 'asked')
        await rested(engine(), execution.execution_id)
        await decide(engine(), execution.execution_id, decision)
        expect(await outcome).toMatchObject({ status: 'completed', response })
        const [ok] = await engine().steps(execution.execution_id)
        expect(JSON.parse(ok!.input!)).toEqual({ message: 'Pay what??', details: { sum: 7 } })
        expect(JSON.parse(ok!.output!)).toMatchObject({ decision, comment: 'so be it', details: { sum: 7 } })
      }
    })

    it('takes the first decision, and says so to the second', async () => {
      await engine().deploy('asked', asked())
      const { execution, outcome } = await begin(engine(), 'asked')
      await rested(engine(), execution.execution_id)
      const now = engine().clock.now()
      const one = (decision: 'approved' | 'rejected') =>
        engine().store.write(decideApproval, { execution_id: execution.execution_id, step_id: 'ok', decision, now })
      const decided = await Promise.allSettled([one('approved'), one('rejected')])
      expect(decided.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
      expect(decided[1]).toMatchObject({ reason: { code: 'approval_decided' } })
      engine().dispatcher.heed([execution.execution_id])
      expect(await outcome).toMatchObject({ response: 'paid 7' })
    })

    it('waits over crashes, and is woken by a decision that nobody was there to hear', async () => {
      await engine().deploy('asked', asked())
      const { execution } = await begin(engine(), 'asked')
      for (let crash = 0; crash < 4; crash++) {
        await rested(engine(), execution.execution_id)
        await engine().crash()
        await engine().dispatcher.recover()
      }
      const { execution_id } = execution
      await engine().store.write(decideApproval, { execution_id, step_id: undefined, decision: 'approved', now: engine().clock.now() })
      await engine().crash()
      await engine().dispatcher.recover()
      await ended(engine(), execution_id)
      expect(await engine().execution(execution_id)).toMatchObject({ status: 'completed', response: 'paid 7', recoveries: 0 })
      expect((await engine().steps(execution_id))[0]!.attempts).toHaveLength(1)
    })

    it('is rejected at its deadline, approved or failed, as it says', async () => {
      for (const [on_deadline, outcome] of [
        ['reject', { status: 'completed', response: 'refused' }],
        ['approve', { status: 'completed', response: 'paid 7' }],
        ['fail', { status: 'failed', error: { code: 'approval_missed' } }],
      ] as const) {
        await engine().deploy('asked', asked({ deadline: 0.4, on_deadline }))
        expect((await engine().run('asked')).outcome).toMatchObject(outcome)
      }
    })

    it('has its deadline after a freeze that ended before it could rest', async () => {
      for (let turns = 0; turns < 6; turns++) {
        const model = held(() => ({ text: 'm' }))
        engine().models.replies = [model.reply]
        const name = `thawed-${turns}`
        await engine().deploy(name, {
          agents: [{ agent_id: 'a', config: { model: 'fake/model' } }],
          steps: [step('ok', 'approval', { deadline: 0.6 })],
        })
        const { outcome } = await begin(engine(), name)
        await expect.poll(() => engine().models.requests.length).toBe(turns + 1)
        await freeze(engine(), name)
        model.go()
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
        await reactivate(engine(), name)
        expect(await outcome).toMatchObject({ status: 'completed' })
      }
    })

    it('has a decision that was made while it was frozen, also when the process dies as that ends', async () => {
      await engine().deploy('asked', asked({ deadline: 3_600 }))
      const { execution } = await begin(engine(), 'asked')
      const { execution_id } = execution
      await rested(engine(), execution_id)
      await freeze(engine(), 'asked')
      await engine().store.write(decideApproval, { execution_id, step_id: 'ok', decision: 'approved', now: engine().clock.now() })
      await decideThaw(engine(), 'asked')
      await engine().crash()
      await engine().dispatcher.recover()
      await ended(engine(), execution_id)
      expect(await engine().execution(execution_id)).toMatchObject({ status: 'completed', response: 'paid 7' })
    })

    it('that failed of what was decided is asked again when it is resumed', async () => {
      await engine().deploy('strict', { steps: [step('ok', 'approval', { output_schema: { type: 'object', required: ['nowhere'] } })] })
      const { execution, outcome } = await begin(engine(), 'strict')
      const { execution_id } = execution
      await rested(engine(), execution_id)
      await decide(engine(), execution_id, 'approved')
      expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'schema_mismatch' } })
      await engine().store.write(resumeExecution, { execution_id, now: engine().clock.now() })
      engine().dispatcher.heed([execution_id])
      await rested(engine(), execution_id)
      await decide(engine(), execution_id, 'approved')
      await ended(engine(), execution_id)
      expect((await engine().steps(execution_id))[0]!.attempts).toHaveLength(2)
    })

    it('stays as it is while it is frozen, and has the decision after that', async () => {
      await engine().deploy('asked', asked())
      const { execution, outcome } = await begin(engine(), 'asked')
      await rested(engine(), execution.execution_id)
      await freeze(engine(), 'asked')
      await decide(engine(), execution.execution_id, 'approved')
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'waiting', frozen: 1 })
      await reactivate(engine(), 'asked')
      expect(await outcome).toMatchObject({ status: 'completed', response: 'paid 7' })
    })
  })

  describe('an execution that waits for a signal', () => {
    it('takes what was sent before at once, and each signal once', async () => {
      const again = (id: string, ...after: string[]) => step(id, 'signal', { name: 'word' }, ...after)
      await engine().deploy('told', {
        steps: [
          step('nap', 'wait', { seconds: 0.4 }),
          again('one', 'nap'),
          again('two', 'one'),
          text('end', '{{ steps.one.output.payload }} {{ steps.two.output.payload }}', 'two'),
        ],
      })
      const { execution, outcome } = await begin(engine(), 'told')
      await send(engine(), execution.execution_id, 'word', 'first')
      await send(engine(), execution.execution_id, 'other', 'never asked for')
      await rested(engine(), execution.execution_id)
      await engine().crash()
      await engine().dispatcher.recover()
      await expect.poll(async () => (await engine().steps(execution.execution_id)).length).toBe(3)
      await send(engine(), execution.execution_id, 'word', 'second')
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'first second' })
      void outcome
    })

    it('takes none again that it failed of', async () => {
      const schema = { type: 'object', properties: { payload: { type: 'number' } } }
      await engine().deploy('strict', {
        steps: [step('s', 'signal', { output_schema: schema }), text('end', '{{ steps.s.output.payload }}', 's')],
      })
      const { execution, outcome } = await begin(engine(), 'strict')
      const { execution_id } = execution
      await rested(engine(), execution_id)
      await send(engine(), execution_id, 's', 'bad')
      expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'schema_mismatch' } })
      await engine().store.write(resumeExecution, { execution_id, now: engine().clock.now() })
      engine().dispatcher.heed([execution_id])
      await rested(engine(), execution_id)
      await send(engine(), execution_id, 's', 7)
      await ended(engine(), execution_id)
      expect(await engine().execution(execution_id)).toMatchObject({ status: 'completed', response: '7' })
    })

    it('in several branches gives each of them one', async () => {
      await engine().deploy('both', {
        steps: [
          step('a', 'signal', { name: 'go' }),
          step('b', 'signal', { name: 'go' }),
          text('end', '{{ steps.a.output.payload }}{{ steps.b.output.payload }}', 'a', 'b'),
        ],
      })
      const { execution, outcome } = await begin(engine(), 'both')
      await rested(engine(), execution.execution_id)
      await send(engine(), execution.execution_id, 'go', 1)
      await rested(engine(), execution.execution_id)
      await send(engine(), execution.execution_id, 'go', 2)
      const ended_ = await outcome
      expect(ended_).toMatchObject({ status: 'completed' })
      expect(['12', '21']).toContain((ended_ as { response: string }).response)
    })

    it('fails at its deadline, or goes on without', async () => {
      const told = (on_deadline: string): Partial<Definition> => ({
        steps: [step('s', 'signal', { deadline: 0.4, on_deadline }), text('end', 'late', 's')],
      })
      await engine().deploy('late', told('fail'))
      expect((await engine().run('late')).outcome).toMatchObject({ status: 'failed', error: { code: 'signal_missed' } })
      await engine().deploy('late', told('continue'))
      expect((await engine().run('late')).outcome).toMatchObject({ status: 'completed', response: 'late' })
    })

    it('is never missed, however the signal and the rest meet', async () => {
      await engine().deploy('meet', { steps: [step('s', 'signal'), text('end', '{{ steps.s.output.payload }}', 's')] })
      for (let delay = 0; delay < 12; delay++) {
        const { execution, outcome } = await begin(engine(), 'meet')
        await new Promise((resolve) => setTimeout(resolve, delay))
        await send(engine(), execution.execution_id, 's', delay)
        expect(await outcome).toMatchObject({ status: 'completed', response: String(delay) })
      }
    })
  })
}
