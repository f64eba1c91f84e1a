import { describe, expect, it } from 'vitest'
import { until } from '../../../test/support/api.ts'
import type { EngineUnderTest } from '../../../test/support/engine.ts'
import type { Connection, Definition, StepNode } from '../../graph/definition.ts'
import { held } from './replies.ts'
import { begin, ended } from './started.ts'
import { freeze, reactivate } from './stops.ts'

const text = (step_id: string, template: string, ...dependencies: string[]): StepNode => ({
  step_id,
  step_type: 'transform',
  config: { template },
  dependencies,
})
const lead = (source_step_id: string, target_step_id: string, connection_type = 'default'): Connection => ({
  source_step_id,
  target_step_id,
  connection_type,
})
const notify = (source: string, target: string): Connection => lead(source, target, 'notification')

/** `a` tells `first`, behind which are `teller`, an agent, and `after`; `b`, behind `a` as well, gives the answer. */
const telling: Partial<Definition> = {
  agents: [{ agent_id: 'teller', config: { model: 'fake/model', prompt: 'tell {{ steps.a.output }}' } }],
  steps: [
    text('a', 'A'),
    text('b', 'B', 'a'),
    text('first', 'first'),
    text('after', '{{ steps.teller.output }} after {{ steps.a.output }}'),
  ],
  connections: [notify('a', 'first'), lead('first', 'teller'), lead('teller', 'after')],
}

/** `a` tells `told`, and leads to `slow`, an agent, which gives the answer. */
const slow: Partial<Definition> = {
  agents: [{ agent_id: 'slow', config: { model: 'fake/model' } }],
  steps: [text('a', 'A'), text('told', 'told {{ steps.a.output }}')],
  connections: [notify('a', 'told'), lead('a', 'slow')],
}

const childrenOf = (engine: EngineUnderTest, id: string) =>
  engine.store.read.selectFrom('executions').selectAll().where('parent_id', '=', id).execute()

async function childOf(engine: EngineUnderTest, id: string): Promise<string> {
  const children = await childrenOf(engine, id)
  expect(children).toHaveLength(1)
  return children[0]!.execution_id
}

/** Answered, while what its notification calls has not. */
async function answered(engine: EngineUnderTest) {
  const told = held(() => ({ text: 'told' }))
  engine.models.replies = [told.reply, () => ({ text: 'told again' })]
  await engine.deploy('telling', telling)
  const { execution, outcome } = await engine.run('telling')
  expect(outcome).toMatchObject({ status: 'completed', response: 'B' })
  await until(async () => engine.models.requests.length === 1, 'the call')
  return { id: execution.execution_id, child: await childOf(engine, execution.execution_id), finish: told.go }
}

export function describeNotifications(engine: () => EngineUnderTest): void {
  describe('a notification', () => {
    it('is not waited for by the answer, and goes on as an execution of its own', async () => {
      const { id, child, finish } = await answered(engine())
      const before = await engine().execution(id)
      expect((await engine().steps(id)).map(({ step_id }) => step_id).toSorted()).toEqual(['>first', 'a', 'b'])
      expect(await engine().execution(child)).toMatchObject({ status: 'running', release_number: 1, parent_id: id })
      finish()
      await ended(engine(), child)
      expect(await engine().execution(child)).toMatchObject({ status: 'completed', response: 'told after A' })
      expect(engine().models.requests[0]!.messages.at(-1)).toMatchObject({ text: 'tell A' })
      expect(await engine().execution(id)).toEqual(before)
    })

    it('begins at once, while what runs beside it goes on', async () => {
      const answer = held(() => ({ text: 'answer' }))
      engine().models.replies = [answer.reply]
      await engine().deploy('slow', slow)
      const { execution, outcome } = await begin(engine(), 'slow')
      await until(async () => (await childrenOf(engine(), execution.execution_id))[0]?.response === 'told A', 'the notification')
      expect((await engine().execution(execution.execution_id)).ended_at).toBeNull()
      answer.go()
      expect(await outcome).toMatchObject({ status: 'completed', response: 'answer' })
    })

    it('fails alone', async () => {
      const steps = [text('a', 'a'), text('told', '{{ steps.nowhere }}'), text('b', 'b', 'a')]
      await engine().deploy('alone', { steps, connections: [notify('a', 'told')] })
      const { execution, outcome } = await engine().run('alone')
      expect(outcome).toMatchObject({ status: 'completed', response: 'b' })
      const child = await childOf(engine(), execution.execution_id)
      await ended(engine(), child)
      expect(await engine().execution(child)).toMatchObject({ status: 'failed' })
    })

    it('outlives a crash after the answer, and repeats nothing that is recorded', async () => {
      const { id, child } = await answered(engine())
      await until(async () => (await engine().steps(child)).some(({ step_id }) => step_id === 'teller#1'), 'the record')
      await engine().crash()
      await engine().dispatcher.recover()
      await ended(engine(), child)
      expect(await engine().execution(child)).toMatchObject({ status: 'completed', response: 'told again after A' })
      const attempts = (await engine().steps(child)).map(({ step_id, attempts: all }) => [step_id, all.length])
      expect(Object.fromEntries(attempts)).toEqual({ first: 1, 'teller#1': 2, after: 1 })
      expect(await childOf(engine(), id)).toBe(child)
    })

    it('is begun once, however often what began it goes on', async () => {
      const first = held(() => ({ text: 'never' }))
      engine().models.replies = [first.reply, () => ({ text: 'answer' })]
      await engine().deploy('slow', slow)
      const { execution } = await begin(engine(), 'slow')
      await until(async () => (await childrenOf(engine(), execution.execution_id))[0]?.status === 'completed', 'the notification')
      await engine().crash()
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'answer' })
      await childOf(engine(), execution.execution_id)
    })

    it('rests with its deployment, and goes on with it', async () => {
      const { child, finish } = await answered(engine())
      await freeze(engine(), 'telling')
      finish()
      await until(async () => (await engine().execution(child)).status === 'waiting', 'the rest')
      await reactivate(engine(), 'telling')
      await ended(engine(), child)
      expect(await engine().execution(child)).toMatchObject({ status: 'completed', response: 'told after A' })
    })

    it('is waited for where something else comes behind it', async () => {
      const steps = [text('a', 'A'), text('told', 'told'), text('b', 'B {{ steps.told.output }}', 'a', 'told')]
      await engine().deploy('joined', { steps, connections: [notify('a', 'told')] })
      const { execution, outcome } = await engine().run('joined')
      expect(outcome).toMatchObject({ status: 'completed', response: 'B told' })
      expect(await childrenOf(engine(), execution.execution_id)).toEqual([])
    })

    it('begins another one, which nobody waits for either', async () => {
      const steps = [text('a', 'A'), text('one', 'one'), text('two', 'two of {{ steps.a.output }}')]
      await engine().deploy('two', { steps, connections: [notify('a', 'one'), notify('one', 'two')] })
      const { execution } = await engine().run('two')
      const child = await childOf(engine(), execution.execution_id)
      await ended(engine(), child)
      const grandchild = await childOf(engine(), child)
      await ended(engine(), grandchild)
      expect(await engine().execution(grandchild)).toMatchObject({ status: 'completed', response: 'two of A' })
    })
  })
}
