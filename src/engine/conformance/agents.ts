import { describe, expect, it, vi } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { calling, hangs, refuses } from './replies.ts'

export function describeAgents(engine: () => EngineUnderTest): void {
  describe('agents', () => {
    it('call those that they are connected to, and so on down, each model call a step', async () => {
      await engine().deploy('team', agents({ id: 'lead', calls: ['mid'] }, { id: 'mid', calls: ['leaf'] }, { id: 'leaf' }))
      engine().models.replies = [
        calling('mid'),
        calling('leaf'),
        () => ({ text: 'deep' }),
        () => ({ text: 'middle' }),
        () => ({ text: 'done' }),
      ]
      const { execution, outcome } = await engine().run('team')
      expect(outcome).toMatchObject({ status: 'completed', response: 'done', tokens: { total: 15 } })
      expect((await engine().steps(execution.execution_id)).map(({ step_id, kind }) => [step_id, kind])).toEqual([
        ['lead#1', 'model'],
        ['lead#1.1', 'agent'],
        ['lead#1.1/mid#1', 'model'],
        ['lead#1.1/mid#1.1', 'agent'],
        ['lead#1.1/mid#1.1/leaf#1', 'model'],
        ['lead#1.1/mid#2', 'model'],
        ['lead#2', 'model'],
      ])
      const told = (await engine().events(execution.execution_id)).filter(({ type }) => type === 'tool')
      expect(told.map(({ name, state, result }) => [name, state, result])).toEqual([
        ['mid', 'started', undefined],
        ['leaf', 'started', undefined],
        ['leaf', 'completed', 'deep'],
        ['mid', 'completed', 'middle'],
      ])
      // Only the lead's text is the answer.
      const content = (await engine().events(execution.execution_id)).filter(({ type }) => type === 'content').map(({ data }) => data)
      expect(content.join('')).toBe('done')
    })

    it('are told what is wrong with a call that makes no sense, and go on', async () => {
      await engine().deploy('odd', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
      const calls = [
        { id: 'c1', name: 'nobody', arguments: '{}' },
        { id: 'c2', name: 'b', arguments: '{broken' },
      ]
      engine().models.replies = [() => ({ calls }), () => ({ text: 'sorry' })]
      expect((await engine().run('odd')).outcome).toMatchObject({ status: 'completed', response: 'sorry' })
      const results = engine().models.requests[1]!.messages.at(-1)
      expect(results).toMatchObject({
        role: 'tool_results',
        results: [{ output: expect.stringContaining("no tool named 'nobody'") }, { output: expect.stringContaining('JSON object') }],
      })
    })

    it('that call for ever are stopped', async () => {
      await engine().deploy('loop', agents({ id: 'lead', calls: ['b'] }, { id: 'b', model: 'demo/x' }))
      engine().models.replies = [
        (request) => (request.tools.length > 0 ? { calls: [{ id: 'c', name: 'b', arguments: '{"query":"again"}' }] } : { text: 'ok' }),
      ]
      expect((await engine().run('loop')).outcome).toMatchObject({ status: 'failed', error: { code: 'agent_turn_limit' } })
    })

    it('that fail, fail the execution with the step that failed', async () => {
      await engine().deploy('team', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
      engine().models.replies = [calling('b'), () => refuses()]
      const { execution, outcome } = await engine().run('team')
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_refused', details: { step_id: 'lead#1.1/b#1' } } })
      expect((await engine().steps(execution.execution_id)).map(({ status }) => status)).toEqual(['completed', 'failed', 'failed'])
    })

    it('that fail, leave no step running that began beside them', async () => {
      await engine().deploy('team', agents({ id: 'lead', calls: ['b', 'c'] }, { id: 'b' }, { id: 'c' }))
      const calls = ['b', 'c'].map((name) => ({ id: name, name, arguments: '{"query":"go"}' }))
      engine().models.replies = [() => ({ calls }), hangs, refuses]
      const { execution, outcome } = await engine().run('team')
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_refused', details: { step_id: 'lead#1.2/c#1' } } })
      const steps = await engine().steps(execution.execution_id)
      expect(steps.map(({ step_id, status, attempts: [attempt] }) => [step_id, status, attempt!.error?.code])).toEqual([
        ['lead#1', 'completed', undefined],
        ['lead#1.1', 'failed', 'abandoned'],
        ['lead#1.1/b#1', 'failed', 'abandoned'],
        ['lead#1.2', 'failed', 'model_refused'],
        ['lead#1.2/c#1', 'failed', 'model_refused'],
      ])
    })

    it('begin nothing before what it follows from is on disk, side by side as well', async () => {
      await engine().deploy('team', agents({ id: 'lead', calls: ['b', 'c'] }, { id: 'b' }, { id: 'c' }))
      const calls = ['b', 'c', 'b'].map((name) => ({ id: name, name, arguments: '{"query":"go"}' }))
      const recorded: unknown[] = []
      const completed = async (executionId: string) => {
        const steps = await engine().steps(executionId)
        return steps.filter(({ status }) => status === 'completed').map(({ step_id }) => step_id)
      }
      engine().models.replies = [
        () => ({ calls }),
        async ({ idempotency_key }) => {
          recorded.push(await completed(idempotency_key.split(':')[0]!))
          return { text: 'ok' }
        },
      ]
      await engine().run('team')
      expect(recorded.slice(0, 3)).toEqual([['lead#1'], ['lead#1'], ['lead#1']])
    })

    it('may be called a thousand times in one turn, by names that every object has as well', async () => {
      await engine().deploy('crowd', agents({ id: 'lead', calls: ['constructor'] }, { id: 'constructor' }))
      const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty']
      const calls = Array.from({ length: 1000 }, (_, index) => ({ id: 'same', name: names[index % 4]!, arguments: '{"query":"go"}' }))
      engine().models.replies = [() => ({ calls }), () => ({ text: 'ok' })]
      const appends = vi.spyOn(engine().journal, 'append')
      const { execution, outcome } = await engine().run('crowd')
      expect(outcome).toMatchObject({ status: 'completed' })
      expect(await engine().steps(execution.execution_id)).toHaveLength(2 + 250 * 2)
      // They are recorded together.
      expect(appends.mock.calls.length).toBeLessThan(50)
    })

    it('answer with everything they said in their turns', async () => {
      await engine().deploy('chatty', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
      engine().models.replies = [
        (request) => {
          request.onText('Let me ask.')
          return { text: 'Let me ask.', calls: [{ id: 'c', name: 'b', arguments: '{"query":"?"}' }] }
        },
        () => ({ text: 'inner' }),
        () => ({ text: 'Here it is.' }),
      ]
      const { execution, outcome } = await engine().run('chatty')
      expect(outcome).toMatchObject({ response: 'Let me ask.\n\nHere it is.' })
      const content = (await engine().events(execution.execution_id)).filter(({ type }) => type === 'content').map(({ data }) => data)
      expect(content.join('')).toBe('Let me ask.\n\nHere it is.')
    })
  })
}
