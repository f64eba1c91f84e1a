import { describe, expect, it } from 'vitest'
import type { EngineUnderTest } from '../../../test/support/engine.ts'
import type { Connection, Definition, StepNode } from '../../graph/definition.ts'
import { held } from './replies.ts'
import { begin, ended, rested } from './started.ts'
import { freeze, reactivate } from './stops.ts'

const step = (step_id: string, step_type: string, config: object = {}, ...dependencies: string[]): StepNode => ({
  step_id,
  step_type,
  config: config as Record<string, unknown>,
  dependencies,
})
const text = (id: string, template: string, ...dependencies: string[]): StepNode => step(id, 'transform', { template }, ...dependencies)
const connect = (source: string, target: string, more: Partial<Connection> = {}): Connection => ({
  source_step_id: source,
  target_step_id: target,
  connection_type: 'default',
  ...more,
})
const when = (source: string, target: string, expression: string): Connection =>
  connect(source, target, { connection_type: 'conditional', conditions: { expression } })
const agent = (agent_id: string, config: object = {}) => ({ agent_id, config: { model: 'fake/model', ...config } })

/** Runs it once. @returns how it ended, the states of its steps by id, and the text that was streamed */
async function runOnce(engine: EngineUnderTest, definition: Partial<Definition>) {
  const name = `graph-${Math.random()}`
  await engine.deploy(name, definition)
  const { execution, outcome } = await engine.run(name)
  const steps = await engine.steps(execution.execution_id)
  return { id: execution.execution_id, outcome, outputs: outputsOf(steps), ids: steps.map((one) => one.step_id) }
}

function outputsOf(steps: Awaited<ReturnType<EngineUnderTest['steps']>>): Record<string, unknown> {
  return Object.fromEntries(steps.map(({ step_id, output }) => [step_id, output === null ? null : (JSON.parse(output) as unknown)]))
}

async function streamed(engine: EngineUnderTest, id: string): Promise<string> {
  let answer = ''
  for (const event of await engine.events(id)) {
    if (event.type === 'content') answer += String(event['data'])
    if (event.type === 'retry') answer = answer.slice(0, answer.length - Number(event['discard']))
  }
  return answer
}

export function describeGraph(engine: () => EngineUnderTest): void {
  describe('a graph', () => {
    it('hands on what each step gives, and answers with what the last one gives', async () => {
      const steps = [text('a', 'A:{{ query }}'), text('b', '{{ steps.a.output }}+B', 'a'), text('c', '{{ steps.b.output }}+C', 'b')]
      const { id, outcome, outputs } = await runOnce(engine(), { steps })
      expect(outcome).toMatchObject({ status: 'completed', response: 'A:what?+B+C' })
      expect(outputs).toEqual({ a: 'A:what?', b: 'A:what?+B', c: 'A:what?+B+C' })
      expect(await streamed(engine(), id)).toBe('A:what?+B+C')
    })

    it('follows the case of a branch, skips the other side, and joins where they meet', async () => {
      const steps = [
        step('which', 'branch', { cases: [{ name: 'long', when: 'query.size > 100' }], otherwise: 'short' }),
        text('long', 'long'),
        text('short', 'short'),
        text('end', '{{ steps.long.status }}, {{ steps.short.output }}'),
      ]
      const connections = [
        connect('which', 'long', { source_handle: 'long' }),
        connect('which', 'short', { source_handle: 'short' }),
        connect('long', 'end'),
        connect('short', 'end'),
      ]
      const { outcome, ids } = await runOnce(engine(), { steps, connections })
      expect(outcome).toMatchObject({ status: 'completed', response: 'skipped, short' })
      expect(ids).toEqual(['which', 'short', 'end'])
    })

    it('skips what no condition reached, and everything behind it', async () => {
      const steps = [text('a', '7'), text('b', 'b'), text('c', 'c', 'b'), text('d', 'd', 'c')]
      const { outcome, ids } = await runOnce(engine(), { steps, connections: [when('a', 'b', 'steps.a.output == "8"')] })
      expect(outcome).toMatchObject({ status: 'completed', response: '' })
      expect(ids).toEqual(['a'])
    })

    it('fails where a condition gives no boolean or reads what is not there, and names the step', async () => {
      for (const [expression, code] of [
        ['steps.a.output', 'condition_not_boolean'],
        ['steps.a.output.nowhere == 1', 'template_failed'],
      ] as const) {
        const { outcome } = await runOnce(engine(), { steps: [text('a', '7'), text('b', 'b')], connections: [when('a', 'b', expression)] })
        expect(outcome).toMatchObject({ status: 'failed', error: { code, members: { step_id: 'a' } } })
      }
    })

    it('runs branches beside each other', async () => {
      const first = held(() => ({ text: 'one' }))
      const second = held(() => ({ text: 'two' }))
      engine().models.replies = [first.reply, second.reply]
      await engine().deploy('beside', {
        agents: [agent('x'), agent('y')],
        steps: [step('begin', 'transform'), text('end', '{{ steps.x.output }}, {{ steps.y.output }}')],
        connections: [connect('begin', 'x'), connect('begin', 'y'), connect('x', 'end'), connect('y', 'end')],
      })
      const { outcome } = await begin(engine(), 'beside')
      await expect.poll(() => engine().models.requests.length).toBe(2)
      second.go()
      first.go()
      expect(await outcome).toMatchObject({ status: 'completed', response: 'one, two' })
    })

    it('gives an agent behind other nodes the query and what they gave, or what its prompt says', async () => {
      engine().models.replies = [() => ({ text: 'first' }), () => ({ text: 'second' })]
      const { outcome } = await runOnce(engine(), {
        agents: [agent('a'), agent('b', { prompt: 'Mend: {{ steps.a.output }}', system_prompt: 'You are {{ execution.environment }}.' })],
        steps: [text('fetch', 'fetched')],
        connections: [connect('fetch', 'a'), when('a', 'b', 'steps.a.output == "first"')],
      })
      expect(outcome).toMatchObject({ status: 'completed', response: 'second' })
      const [a, b] = engine().models.requests
      expect(a!.messages).toEqual([{ role: 'user', text: 'what?\n\nfetch:\nfetched' }])
      expect(b).toMatchObject({ system: 'You are production.', messages: [{ role: 'user', text: 'Mend: first' }] })
    })

    it('streams the last agent as it speaks when nothing else can answer, and only the answer', async () => {
      engine().models.replies = [() => ({ text: 'inner' }), () => ({ text: 'outer' })]
      const { id, outcome } = await runOnce(engine(), {
        agents: [agent('a'), agent('b')],
        connections: [{ ...when('a', 'b', 'steps.a.output == "inner"') }],
      })
      expect(outcome).toMatchObject({ response: 'outer' })
      expect(await streamed(engine(), id)).toBe('outer')
    })

    it('answers with its output step, whatever comes last', async () => {
      const steps = [text('a', 'a'), step('out', 'output', { value: { a: '{{ steps.a.output }}' } }, 'a'), text('after', 'after', 'out')]
      expect((await runOnce(engine(), { steps })).outcome).toMatchObject({ response: '{"a":"a"}' })
    })

    it('goes on by the error edge of a step that failed', async () => {
      const steps = [
        text('a', '{{ steps.b.output }}'),
        text('rescue', 'rescued: {{ steps.a.output.error.code }}'),
        text('never', 'never', 'a'),
      ]
      const { outcome, ids } = await runOnce(engine(), { steps, connections: [connect('a', 'rescue', { source_handle: 'error' })] })
      expect(outcome).toMatchObject({ status: 'completed', response: 'rescued: template_failed' })
      expect(ids).toEqual(['a', 'rescue'])
    })

    it('does not fail of what a notification leads to', async () => {
      const steps = [text('a', 'a'), text('told', '{{ steps.nowhere }}'), text('b', 'b', 'a')]
      const { outcome } = await runOnce(engine(), { steps, connections: [connect('a', 'told', { connection_type: 'notification' })] })
      expect(outcome).toMatchObject({ status: 'completed', response: 'b' })
    })

    it('hands the conversation over from agent to agent, and leaves by the one that had the last word', async () => {
      engine().models.replies = [() => ({ calls: [{ id: '1', name: 'transfer_to_billing', arguments: '{}' }] }), () => ({ text: 'paid' })]
      const handoff = (source: string, target: string) => connect(source, target, { connection_type: 'handoff' })
      const { id, outcome, ids } = await runOnce(engine(), {
        agents: [agent('desk'), agent('billing', { system_prompt: 'Bills.' })],
        steps: [text('after-desk', 'desk'), text('after-billing', 'billing: {{ steps.billing.output }}')],
        connections: [
          handoff('desk', 'billing'),
          handoff('billing', 'desk'),
          connect('desk', 'after-desk'),
          connect('billing', 'after-billing'),
        ],
      })
      expect(outcome).toMatchObject({ status: 'completed', response: 'billing: paid' })
      expect(ids).toEqual(['desk#1', 'desk#2', 'after-billing'])
      expect(engine().models.requests[1]).toMatchObject({ system: 'Bills.' })
      expect(await engine().events(id)).toContainEqual(expect.objectContaining({ type: 'handoff', from: 'desk', to: 'billing' }))
    })
  })

  describe('a body', () => {
    it('of a map runs once for each item, so many at a time, and gives the results in their order', async () => {
      const steps = [
        step('each', 'map', { items: ['a', 'b', 'c'], concurrency: 2, item_name: 'letter' }),
        text('one', '{{ index }}{{ letter }}'),
        text('two', '{{ steps.one.output }}!', 'one'),
        text('end', '{{ steps.each.output | json }}', 'each'),
      ]
      const connections = [connect('each', 'one', { source_handle: 'body' }), connect('two', 'each')]
      const { outcome, ids } = await runOnce(engine(), { steps, connections })
      expect(outcome).toMatchObject({ status: 'completed', response: '["0a!","1b!","2c!"]' })
      expect(ids.toSorted()).toEqual([
        'each',
        'each[0]/one',
        'each[0]/two',
        'each[1]/one',
        'each[1]/two',
        'each[2]/one',
        'each[2]/two',
        'end',
      ])
    })

    it('of a map that may go on gives null for an item that failed', async () => {
      const steps = [step('each', 'map', { items: [{ a: 1 }, {}], on_error: 'continue' }), text('one', '{{ item.a }}')]
      const { outcome } = await runOnce(engine(), { steps, connections: [connect('each', 'one', { source_handle: 'body' })] })
      expect(outcome).toMatchObject({ status: 'completed', response: '["1",null]' })
    })

    it('of a loop is repeated until its condition holds, and fails beyond its limit', async () => {
      const steps = (max_iterations: number): StepNode[] => [
        step('again', 'loop', { until: 'previous == "xxx"', max_iterations }),
        text('grow', '{{ previous }}x'),
      ]
      const connections = [connect('again', 'grow', { source_handle: 'body' })]
      expect((await runOnce(engine(), { steps: steps(5), connections })).outcome).toMatchObject({ response: 'xxx' })
      expect((await runOnce(engine(), { steps: steps(2), connections })).outcome).toMatchObject({
        status: 'failed',
        error: { code: 'loop_limit', members: { step_id: 'again' } },
      })
    })

    it('may stand in a body, and reads what is before all of them', async () => {
      const steps = [
        text('before', '#'),
        step('outer', 'map', { items: [[1, 2], [3]], item_name: 'row' }, 'before'),
        step('inner', 'map', { items: '{{ row }}' }),
        text('cell', '{{ steps.before.output }}{{ item }}'),
      ]
      const body = { source_handle: 'body' }
      const { outcome } = await runOnce(engine(), { steps, connections: [connect('outer', 'inner', body), connect('inner', 'cell', body)] })
      expect(outcome).toMatchObject({ response: '[["#1","#2"],["#3"]]' })
    })
  })

  describe('a wait', () => {
    it('does not count towards the timeout, and leaves the memory when it is long', async () => {
      await engine().deploy('patient', { steps: [step('nap', 'wait', { seconds: 1.5 }), text('end', 'awake', 'nap')] }, { timeout: 1 })
      const { execution, outcome } = await begin(engine(), 'patient')
      await rested(engine(), execution.execution_id)
      expect(await outcome).toMatchObject({ status: 'completed', response: 'awake' })
      const [nap] = await engine().steps(execution.execution_id)
      expect(nap).toMatchObject({ step_id: 'nap', status: 'completed', attempts: [{ number: 1 }] })
    })

    it('goes on over crashes, and is over when it was to be', async () => {
      await engine().deploy('dozing', { steps: [step('nap', 'wait', { seconds: 4 }), text('end', 'awake', 'nap')] })
      const { execution } = await begin(engine(), 'dozing')
      const began = performance.now()
      for (let crash = 0; crash < 3; crash++) {
        await rested(engine(), execution.execution_id)
        await engine().crash()
        await engine().dispatcher.recover()
      }
      await ended(engine(), execution.execution_id)
      expect(performance.now() - began).toBeGreaterThan(3_900)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'awake' })
    })

    it('stands between the ends of a delay', async () => {
      await engine().deploy('delayed', {
        steps: [text('a', 'a'), text('b', 'b')],
        connections: [connect('a', 'b', { connection_type: 'delay', conditions: { seconds: 0.05 } })],
      })
      const { execution, outcome } = await engine().run('delayed')
      expect(outcome).toMatchObject({ status: 'completed', response: 'b' })
      expect((await engine().steps(execution.execution_id)).map((one) => one.step_id)).toEqual(['a', 'a>b', 'b'])
    })

    it('that is frozen when it is over waits for the end of the freeze', async () => {
      await engine().deploy('cold', { steps: [step('nap', 'wait', { seconds: 0.2 }), text('end', 'awake', 'nap')] })
      const { execution, outcome } = await begin(engine(), 'cold')
      await freeze(engine(), 'cold')
      await rested(engine(), execution.execution_id)
      await reactivate(engine(), 'cold')
      expect(await outcome).toMatchObject({ status: 'completed', response: 'awake' })
    })
  })

  describe('a graph after a crash', () => {
    it('decides as before, and runs nothing again that is recorded', async () => {
      const last = held(() => ({ text: 'end' }))
      engine().models.replies = [() => ({ text: 'left' }), last.reply]
      engine().variables = { SIDE: 'left' }
      await engine().deploy('recovered', {
        agents: [agent('asks'), agent('left'), agent('right')],
        steps: [step('begin', 'transform')],
        connections: [
          connect('begin', 'asks'),
          when('asks', 'left', 'steps.asks.output == variables.SIDE'),
          when('asks', 'right', 'steps.asks.output != variables.SIDE'),
        ],
      })
      const { execution } = await begin(engine(), 'recovered')
      await expect.poll(() => engine().models.requests.length).toBe(2)
      // What it was decided by has changed since.
      engine().variables = { SIDE: 'right' }
      await engine().crash()
      engine().models.replies = [() => ({ text: 'after all' })]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'after all' })
      const steps = await engine().steps(execution.execution_id)
      expect(steps.map((one) => one.step_id)).toEqual([':variables', 'begin', 'asks#1', 'left#1'])
      expect(steps.find((one) => one.step_id === 'asks#1')!.attempts).toHaveLength(1)
    })
  })
}
