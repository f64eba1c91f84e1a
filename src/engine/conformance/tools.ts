import { describe, expect, it } from 'vitest'
import { AttemptFailed } from '../../attempt-failed.ts'
import { HttpStepFailed, OutgoingFailed } from '../../errors.ts'
import type { EngineUnderTest, Reply } from '../../../test/support/engine.ts'
import { decideApproval } from '../../executions/signal-repository.ts'
import type { Definition } from '../../graph/definition.ts'
import { Answer } from '../../outgoing/answer.ts'
import type { OutgoingRequest } from '../../outgoing/outgoing.ts'
import { begin, ended, rested } from './started.ts'

const one = (config: object): Partial<Definition> => ({ agents: [{ agent_id: 'lead', config: { model: 'fake/model', ...config } }] })

/** Calls tools, then answers. */
const calls = (...list: [name: string, given: unknown][]): Reply => {
  return () => ({
    calls: list.map(([name, given], index) => ({
      id: `c${index}`,
      name,
      arguments: typeof given === 'string' ? given : JSON.stringify(given),
    })),
  })
}
const says =
  (text: string): Reply =>
  () => ({ text })

/** Another server, which answers in turn, the last answer for ever. @returns what it was asked */
function serve(engine: EngineUnderTest, ...answers: (object | (() => never))[]): OutgoingRequest[] {
  const asked: OutgoingRequest[] = []
  engine.outside.outgoing.request = async (request) => {
    asked.push(request)
    const next = answers.length > 1 ? answers.shift()! : answers[0]!
    if (typeof next === 'function') (next as () => never)()
    const body = new Response(JSON.stringify(next)).body
    const head = { status: 200, phrase: 'OK', headers: { 'content-type': 'application/json' }, body }
    return new Answer(head, { url: String(request.url), redirected: false })
  }
  return asked
}

const busy = (): never => {
  throw new AttemptFailed(new OutgoingFailed({ origin: 'https://x.org', reason: 'it hung up.' } as never), { retryable: true })
}
const gone = (): never => {
  const error = new HttpStepFailed({ step_id: 'x', method: 'GET', url: 'https://x.org/', answer_status: 404 })
  throw new AttemptFailed(error, { retryable: false })
}

const fetching = {
  type: 'http',
  name: 'fetch',
  url: 'https://x.org/{{ arguments.id }}',
  parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
}
const paying = {
  type: 'http',
  name: 'pay',
  url: 'https://x.org/pay',
  method: 'POST',
  parameters: { type: 'object' },
  body: '{{ arguments }}',
}

/** What the model was told at last. */
const told = (engine: EngineUnderTest): string[] => {
  const last = engine.models.requests.at(-1)!.messages.findLast(({ role }) => role === 'tool_results')
  return last?.role === 'tool_results' ? last.results.map(({ output }) => output) : []
}

async function runOnce(engine: EngineUnderTest, definition: Partial<Definition>) {
  const name = `tools-${Math.random()}`
  await engine.deploy(name, definition, { max_retries: 2 })
  const { execution, outcome } = await engine.run(name)
  const id = execution.execution_id
  return { id, outcome, steps: await engine.steps(id), events: await engine.events(id) }
}

export function describeTools(engine: () => EngineUnderTest): void {
  const decide = async (execution_id: string, decision: 'approved' | 'rejected', step_id?: string): Promise<void> => {
    await engine().store.write(decideApproval, { execution_id, step_id, decision, comment: 'as I say', now: engine().clock.now() })
    engine().dispatcher.heed([execution_id])
  }

  describe('the tools of an agent', () => {
    it('are called as steps of their own, and told about', async () => {
      engine().models.replies = [calls(['calculator', { expression: '6*7' }], ['fetch', { id: 'a/b' }]), says('done')]
      const asked = serve(engine(), { title: 'Hello' })
      const { outcome, steps, events } = await runOnce(engine(), one({ tools: ['calculator', fetching] }))
      expect(outcome).toMatchObject({ status: 'completed', response: 'done' })
      expect(told(engine())).toEqual(['42', '{"title":"Hello"}'])
      expect(asked.map(({ url }) => String(url))).toEqual(['https://x.org/a%2Fb'])
      expect(steps.map(({ step_id, kind, name, status }) => [step_id, kind, name, status])).toEqual([
        ['lead#1', 'model', 'lead', 'completed'],
        ['lead#1.1', 'tool', 'calculator', 'completed'],
        ['lead#1.2', 'tool', 'fetch', 'completed'],
        ['lead#2', 'model', 'lead', 'completed'],
      ])
      expect(JSON.parse(steps[2]!.input!)).toMatchObject({
        arguments: { id: 'a/b' },
        request: { method: 'GET', url: 'https://x.org/a%2Fb' },
      })
      const tools = events.filter(({ type }) => type === 'tool').map(({ step_id, state }) => `${String(step_id)} ${String(state)}`)
      expect(tools.toSorted()).toEqual(['lead#1.1 completed', 'lead#1.1 started', 'lead#1.2 completed', 'lead#1.2 started'])
    })

    it('are not called where the call makes no sense, and the model is told why', async () => {
      engine().models.replies = [
        calls(['calculator', '{broken'], ['calculator', { x: 1 }], ['nothing', {}], ['calculator', '[]']),
        says('sorry'),
      ]
      const { outcome, steps } = await runOnce(engine(), one({ tools: ['calculator'] }))
      expect(outcome).toMatchObject({ response: 'sorry' })
      expect(steps.map(({ step_id }) => step_id)).toEqual(['lead#1', 'lead#2'])
      expect(told(engine())).toEqual([
        expect.stringContaining('JSON object'),
        expect.stringContaining('do not fit the schema'),
        expect.stringContaining('calculator'),
        expect.stringContaining('JSON object'),
      ])
    })

    it('are retried, and what they fail of at last is told to the model and recorded', async () => {
      engine().models.replies = [calls(['fetch', { id: 'a' }], ['fetch', { id: 'b' }]), says('done')]
      const asked = serve(engine(), gone, busy)
      const { outcome, steps } = await runOnce(engine(), one({ tools: [fetching] }))
      expect(outcome).toMatchObject({ status: 'completed', response: 'done' })
      expect(asked).toHaveLength(4)
      expect(told(engine())).toEqual([expect.stringContaining('http_step_failed'), expect.stringContaining('outgoing_failed')])
      expect(
        steps
          .filter(({ kind }) => kind === 'tool')
          .map(({ status, attempts, output }) => [status, attempts.length, JSON.parse(output!).error.code]),
      ).toEqual([
        ['completed', 1, 'http_step_failed'],
        ['completed', 3, 'outgoing_failed'],
      ])
    })

    it('fail the execution where they say so', async () => {
      engine().models.replies = [calls(['fetch', { id: 'a' }])]
      serve(engine(), busy)
      const { outcome } = await runOnce(engine(), one({ tools: [{ ...fetching, on_error: 'fail' }] }))
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'outgoing_failed', members: { step_id: 'lead#1.1' } } })
    })

    it('give a model no more than it can take', async () => {
      engine().models.replies = [calls(['fetch', { id: 'a' }]), says('done')]
      serve(engine(), { text: 'x'.repeat(200_000) })
      await runOnce(engine(), one({ tools: [fetching] }))
      expect(told(engine())[0]!.length).toBeLessThan(100_200)
      expect(told(engine())[0]).toContain('Cut off here')
    })

    it('are not called again after a crash', async () => {
      const asked = serve(engine(), { paid: true })
      const { promise, resolve } = Promise.withResolvers<void>()
      engine().models.replies = [calls(['pay', { sum: 1 }]), () => promise.then(() => ({ text: 'too late' }))]
      await engine().deploy('paying', one({ tools: [paying], approval: 'never' }))
      const { execution } = await begin(engine(), 'paying')
      await expect.poll(() => engine().models.requests.length).toBe(2)
      await engine().crash()
      engine().models.replies = [says('done')]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      resolve()
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'done' })
      expect(asked).toHaveLength(1)
      expect(told(engine())).toEqual(['{"paid":true}'])
    })
  })

  describe('a tool that changes something', () => {
    it('waits until a person approves, and is called with what was shown', async () => {
      const asked = serve(engine(), { paid: true })
      engine().models.replies = [calls(['pay', { sum: 7, to: 'Ann' }]), says('paid')]
      await engine().deploy('asking', one({ tools: [paying] }))
      const { execution } = await begin(engine(), 'asking')
      await rested(engine(), execution.execution_id)
      expect(asked).toEqual([])
      const waiting = (await engine().steps(execution.execution_id)).at(-1)!
      expect(waiting).toMatchObject({ step_id: 'lead#1.1/approval', kind: 'approval', name: 'pay' })
      expect(JSON.parse(waiting.input!)).toMatchObject({ details: { tool: 'pay', arguments: { sum: 7, to: 'Ann' } } })
      await engine().crash()
      await engine().dispatcher.recover()
      await rested(engine(), execution.execution_id)
      await decide(execution.execution_id, 'approved')
      await ended(engine(), execution.execution_id)
      expect(asked.map(({ body }) => JSON.parse(String(body)) as unknown)).toEqual([{ sum: 7, to: 'Ann' }])
    })

    it('is not called when it was rejected, or not decided in time, and the model is told', async () => {
      const asked = serve(engine(), { paid: true })
      await engine().deploy('refused', one({ tools: [paying] }))
      engine().models.replies = [calls(['pay', {}]), says('a pity')]
      const { execution, outcome } = await begin(engine(), 'refused')
      await rested(engine(), execution.execution_id)
      await decide(execution.execution_id, 'rejected')
      expect(await outcome).toMatchObject({ response: 'a pity' })
      expect(told(engine())[0]).toContain('as I say')
      await engine().deploy('late', one({ tools: [paying], approval_deadline: 0.2 }))
      engine().models.replies = [calls(['pay', {}]), says('a pity')]
      expect((await engine().run('late')).outcome).toMatchObject({ response: 'a pity' })
      expect(asked).toEqual([])
    })

    it('is decided on call by call, beside those that only read', async () => {
      const asked = serve(engine(), {})
      await engine().deploy('both', one({ tools: [paying, fetching] }))
      engine().models.replies = [calls(['pay', { n: 1 }], ['fetch', { id: 'a' }], ['pay', { n: 2 }]), says('done')]
      const { execution, outcome } = await begin(engine(), 'both')
      await rested(engine(), execution.execution_id)
      expect(asked.map(({ method }) => method)).toEqual(['GET'])
      await decide(execution.execution_id, 'rejected', 'lead#1.1/approval')
      await rested(engine(), execution.execution_id)
      await decide(execution.execution_id, 'approved', 'lead#1.3/approval')
      expect(await outcome).toMatchObject({ response: 'done' })
      expect(asked.slice(1).map(({ body }) => body)).toEqual(['{"n":2}'])
    })

    it.each([
      [{ approval: 'never' }, {}, false],
      [{ approval: 'never' }, { approval: true }, true],
      [{ approval: 'always' }, { approval: false }, false],
      [{ approval: 'writes' }, {}, true],
      [{ approval: 'always' }, { method: 'GET', body: undefined }, true],
      [{}, { method: 'GET', body: undefined }, false],
    ])('asks or not as the agent and the tool say: %j %j', async (agent, tool, asks) => {
      serve(engine(), {})
      const name = `says-${Math.random()}`
      await engine().deploy(name, one({ tools: [{ ...paying, ...tool }], approval_deadline: 0.05, ...agent }))
      engine().models.replies = [calls(['pay', {}]), says('done')]
      const { execution } = await engine().run(name)
      expect((await engine().steps(execution.execution_id)).some(({ kind }) => kind === 'approval')).toBe(asks)
    })
  })

  describe('the limits of an agent', () => {
    const forever: Reply = calls(['calculator', { expression: '1' }], ['calculator', { expression: '2' }])

    it.each([
      [{ max_model_calls: 3 }, 'max_model_calls', 3],
      [{ max_tool_calls: 5 }, 'max_tool_calls', 3],
      [{ max_tokens_total: 7 }, 'max_tokens_total', 3],
    ])('end it in the middle: %j', async (limits, limit, requests) => {
      engine().models.replies = [forever]
      const { outcome } = await runOnce(engine(), one({ tools: ['calculator'], limits }))
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'agent_limit', members: { limit } } })
      expect(engine().models.requests).toHaveLength(requests)
    })

    it('hold for the agents that it calls as well', async () => {
      const { agents = [], ...rest } = one({ limits: { max_model_calls: 2 } })
      const connections = [{ source_agent_id: 'lead', target_agent_id: 'b', connection_type: 'default' }]
      engine().models.replies = [calls(['b', { query: 'go' }]), calls(['calculator', { expression: '1' }]), says('never')]
      const both = [...agents, { agent_id: 'b', config: { model: 'fake/model', tools: ['calculator'] } }]
      const { outcome } = await runOnce(engine(), { ...rest, agents: both, connections })
      expect(outcome).toMatchObject({
        status: 'failed',
        error: { code: 'agent_limit', details: { agent: 'lead', step_id: 'lead#1.1/b#2' } },
      })
    })

    it('count the same after a crash', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      engine().models.replies = [forever, () => promise.then(() => ({ text: 'late' }))]
      await engine().deploy('counted', one({ tools: ['calculator'], limits: { max_model_calls: 3, max_tool_calls: 6 } }))
      const { execution } = await begin(engine(), 'counted')
      await expect.poll(() => engine().models.requests.length).toBe(2)
      await engine().crash()
      engine().models.replies = [forever]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      resolve()
      expect(JSON.parse((await engine().execution(execution.execution_id)).error!)).toMatchObject({
        code: 'agent_limit',
        details: { limit: 'max_model_calls', used: 3 },
      })
      expect(engine().models.requests).toHaveLength(4)
    })
  })

  describe('an agent with an output schema', () => {
    const output_schema = { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] }

    it('gives the value to those behind it, and its text as the answer', async () => {
      engine().models.replies = [says('```json\n{"sum": 7}\n```')]
      const steps = [
        { step_id: 'end', step_type: 'transform', config: { template: '{{ steps.lead.output.sum | plus: 1 }}' }, dependencies: ['lead'] },
      ]
      expect((await runOnce(engine(), { ...one({ output_schema }), steps })).outcome).toMatchObject({ response: '8' })
      engine().models.replies = [says('{"sum": 7}')]
      const { outcome, events } = await runOnce(engine(), one({ output_schema }))
      expect(outcome).toMatchObject({ response: '{"sum": 7}' })
      expect(events.filter(({ type }) => type === 'content').map(({ data }) => data)).toEqual(['{"sum": 7}'])
      expect(engine().models.requests.at(-1)!.output_schema).toEqual(output_schema)
    })

    it('is told what is wrong, twice', async () => {
      engine().models.replies = [says('seven'), says('{"sum":"seven"}'), says('{"sum":7}')]
      const { outcome, steps } = await runOnce(engine(), one({ output_schema }))
      expect(outcome).toMatchObject({ status: 'completed', response: '{"sum":7}' })
      expect(steps.map(({ step_id }) => step_id)).toEqual(['lead#1', 'lead#2', 'lead#3'])
      expect(engine().models.requests[2]!.messages.at(-1)).toMatchObject({ role: 'user', text: expect.stringContaining('/sum') })
    })

    it('fails when it never fits', async () => {
      engine().models.replies = [says('{}')]
      const { outcome } = await runOnce(engine(), one({ output_schema }))
      expect(outcome).toMatchObject({
        status: 'failed',
        error: { code: 'structured_output_invalid', members: { step_id: 'lead#3', errors: [{ code: expect.any(String) }] } },
      })
      expect(engine().models.requests).toHaveLength(3)
    })
  })
}
