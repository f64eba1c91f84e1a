import { describe, expect, it } from 'vitest'
import type { EngineUnderTest } from '../../../test/support/engine.ts'
import type { Connection, Definition, StepNode } from '../../graph/definition.ts'
import { systemClock } from '../../clock.ts'
import { hangs, held } from './replies.ts'
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

    it('streams what it answers with, also where a rest lies between what is said and the end', async () => {
      engine().models.replies = [({ system }) => ({ text: system === 'quick' ? 'no' : 'ANSWER' })]
      // Whether the slow agent is the only one that can answer is known at another time when it is all gone through again.
      const { id, outcome } = await runOnce(engine(), {
        agents: [agent('quick', { system_prompt: 'quick' }), agent('slow')],
        steps: [text('s', 'S'), step('nap', 'wait', { seconds: 0.1 }, 's'), text('y', 'Y'), step('later', 'wait', { seconds: 1 })],
        connections: [
          connect('s', 'quick'),
          when('quick', 'y', 'steps.quick.output == "never"'),
          connect('nap', 'slow'),
          connect('nap', 'later', { connection_type: 'notification' }),
        ],
      })
      expect(outcome).toMatchObject({ status: 'completed', response: 'ANSWER' })
      expect(await streamed(engine(), id)).toBe('ANSWER')
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

    it('does not fail of a condition behind a notification either', async () => {
      const steps = [text('a', 'a'), text('told', 'told'), text('more', 'more'), text('b', 'b', 'a')]
      const connections = [connect('a', 'told', { connection_type: 'notification' }), when('told', 'more', 'steps.told.output.x == 1')]
      const { outcome, ids } = await runOnce(engine(), { steps, connections })
      expect(outcome).toMatchObject({ status: 'completed', response: 'b' })
      expect(ids.toSorted()).toEqual(['>told', 'a', 'b'])
    })

    it('leaves a signal that did not come by its deadline, and where nothing does so by what has no handle', async () => {
      const steps = [
        step('paid', 'signal', { deadline: 0.05, on_deadline: 'continue' }),
        text('ship', 'ship', 'paid'),
        text('remind', 'remind'),
      ]
      const late = await runOnce(engine(), { steps, connections: [connect('paid', 'remind', { source_handle: 'deadline' })] })
      expect(late).toMatchObject({ outcome: { response: 'remind' }, ids: ['paid', 'remind'] })
      const only = await runOnce(engine(), { steps: steps.slice(0, 2) })
      expect(only).toMatchObject({ outcome: { response: 'ship' }, ids: ['paid', 'ship'] })
    })

    it('checks what another workflow is given, where that says what it takes', async () => {
      const definition = {
        agents: [],
        connections: [],
        input_schema: { type: 'object', required: ['sum'] },
        steps: [text('t', '{{ input.sum }}')],
      }
      const run = (input: object) => runOnce(engine(), { steps: [step('w', 'workflow', { input, definition })] })
      expect((await run({ sum: 3 })).outcome).toMatchObject({ status: 'completed', response: '3' })
      expect((await run({ other: 3 })).outcome).toMatchObject({
        status: 'failed',
        error: { code: 'schema_mismatch', members: { step_id: 'w' } },
      })
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

    it('comes to an end where agents call each other and hand over back without one', async () => {
      const calls = (name: string) => ({ calls: [{ id: '1', name, arguments: '{"query":"go"}' }] })
      engine().models.replies = [({ tools }) => calls(tools[0]!.name)]
      const { outcome, ids } = await runOnce(engine(), {
        agents: [agent('lead'), agent('desk'), agent('billing')],
        connections: [connect('lead', 'desk'), connect('desk', 'billing'), connect('billing', 'desk', { connection_type: 'handoff' })],
      })
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'agent_nesting_limit' } })
      expect(ids.length).toBeLessThan(50)
    })
  })

  describe('a graph, however it is drawn,', () => {
    const handoff = { connection_type: 'handoff' }
    const handsOver = () => ({ calls: [{ id: '1', name: 'transfer_to_billing', arguments: '{}' }] })
    const refuses = (): never => {
      throw new Error('refused')
    }

    it('fails if no plan can be made of it, and does not run for ever', async () => {
      const steps = [text('a', 'a', 'b'), text('b', 'b', 'a')]
      const { id, outcome } = await runOnce(engine(), { steps })
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'internal_error' } })
      expect(await engine().execution(id)).toMatchObject({ status: 'failed' })
      expect(engine().faults.splice(0)).toHaveLength(1)
    })

    it('follows connections whatever an editor calls the ways out of a step that has none', async () => {
      const steps = [text('a', 'a'), text('b', 'b'), step('m', 'map', { items: [1] }), text('x', 'x'), text('end', 'end')]
      const connections = [
        connect('a', 'b', { source_handle: 'right' }),
        connect('b', 'm', { source_handle: 'bottom' }),
        connect('m', 'x', { source_handle: 'body' }),
        connect('x', 'm', { source_handle: 'left' }),
        connect('m', 'end', { source_handle: 'done' }),
      ]
      expect((await runOnce(engine(), { steps, connections })).outcome).toMatchObject({ response: 'end' })
    })

    it('passes on what a node gave once, by however many connections it came', async () => {
      const steps = [text('a', 'A'), step('out', 'output', {}, 'a')]
      expect((await runOnce(engine(), { steps, connections: [connect('a', 'out')] })).outcome).toMatchObject({ response: 'A' })
      engine().models.replies = [handsOver, () => ({ text: 'paid' })]
      const { outcome } = await runOnce(engine(), {
        agents: [agent('desk'), agent('billing')],
        steps: [step('out', 'output')],
        connections: [connect('desk', 'billing', handoff), connect('desk', 'out'), connect('billing', 'out')],
      })
      expect(outcome).toMatchObject({ response: 'paid' })
    })

    it('records each of its steps under an id of its own, whatever its nodes are called', async () => {
      engine().variables = { A: 'real' }
      const delayed = { connection_type: 'delay', conditions: { seconds: 0.01 } }
      const { outcome, ids } = await runOnce(engine(), {
        steps: [
          text(':variables', 'top'),
          text('m[0]/x', 'top', ':variables'),
          step('m', 'map', { items: [1] }, 'm[0]/x'),
          text('x', 'in'),
          text('über b.c-d_e', '{{ variables.A }} {{ steps["m[0]/x"].output }} {{ steps.m.output[0] }}'),
        ],
        connections: [
          connect('m', 'x', { source_handle: 'body' }),
          connect('m', 'über b.c-d_e', delayed),
          connect('m', 'über b.c-d_e', delayed),
        ],
      })
      expect(outcome).toMatchObject({ response: 'real top in' })
      expect(ids.toSorted()).toEqual(
        [':variables', '%3Avariables', 'm%5B0%5D%2Fx', 'm', 'm[0]/x', 'm>über b.c-d_e', 'm>über b.c-d_e>2', 'über b.c-d_e'].toSorted(),
      )
    })

    it('tells a node what the system said before, whatever its id, and nobody who is called', async () => {
      engine().models.replies = [
        () => ({ calls: [{ id: '1', name: 'b_2', arguments: '{"query":"q"}' }] }),
        () => ({ text: 'b' }),
        () => ({ text: 'a' }),
      ]
      await engine().deploy('history', {
        agents: [agent('a#1'), agent('b#2')],
        connections: [connect('a#1', 'b#2')],
      })
      const request = { query: 'what?', chat_history: [{ role: 'system' as const, content: 'Be brief.' }] }
      const execution = await engine().admit('history', { request })
      expect(await engine().dispatcher.start(execution)).toMatchObject({ status: 'completed', response: 'a' })
      expect(engine().models.requests.map(({ system }) => system)).toEqual(['Be brief.', undefined, 'Be brief.'])
      const steps = await engine().steps(execution.execution_id)
      expect(steps.map((one) => one.step_id)).toEqual(['a%231#1', 'a%231#1.1', 'a%231#1.1/b%232#1', 'a%231#2'])
    })

    it('is left by the error edge of the agent that had the word when it failed', async () => {
      const agents = [agent('desk'), agent('billing')]
      const desk = text('desk failed', 'desk failed')
      const billing = text('billing failed', 'billing failed: {{ steps.billing.status }}')
      const error = { source_handle: 'error' }
      const ofBilling = [connect('desk', 'billing', handoff), connect('billing', 'billing failed', error)]
      const both = [...ofBilling, connect('desk', 'desk failed', error)]
      for (const [replies, connections, response] of [
        [[handsOver, refuses], ofBilling, 'billing failed: failed'],
        [[handsOver, refuses], both, 'billing failed: failed'],
        [[refuses], both, 'desk failed'],
      ] as const) {
        engine().models.replies = [...replies]
        expect(
          (await runOnce(engine(), { agents, steps: connections === both ? [desk, billing] : [billing], connections })).outcome,
        ).toMatchObject({ status: 'completed', response })
      }
      engine().models.replies = [refuses]
      expect((await runOnce(engine(), { agents, steps: [billing], connections: ofBilling })).outcome).toMatchObject({ status: 'failed' })
    })
  })

  describe('a body', () => {
    it('lets the agents that its agents call or hand over to read the nodes around it', async () => {
      for (const [type, name] of [
        ['default', 'helper'],
        ['handoff', 'transfer_to_helper'],
      ] as const) {
        engine().models.requests.length = 0
        engine().models.replies = [() => ({ calls: [{ id: '1', name, arguments: '{"query":"q"}' }] }), () => ({ text: 'done' })]
        const { outcome } = await runOnce(engine(), {
          agents: [agent('x'), agent('helper', { system_prompt: 'Reads {{ steps.before.output }}.' })],
          steps: [text('before', 'B'), step('each', 'map', { items: [1] }, 'before')],
          connections: [connect('each', 'x', { source_handle: 'body' }), connect('x', 'helper', { connection_type: type })],
        })
        expect(outcome).toMatchObject({ status: 'completed', response: '["done"]' })
        expect(engine().models.requests[1]).toMatchObject({ system: 'Reads B.' })
      }
    })

    it('gives what leads back to its container by a connection that is followed', async () => {
      const steps = [
        step('each', 'map', { items: ['a', 'b'] }),
        step('which', 'branch', { cases: [{ name: 'go', when: 'item == "a"' }] }),
        text('went', 'went {{ item }}'),
        text('stayed', 'stayed {{ item }}'),
      ]
      const connections = [
        connect('each', 'which', { source_handle: 'body' }),
        connect('which', 'went', { source_handle: 'go' }),
        connect('which', 'stayed', { source_handle: 'otherwise' }),
        connect('went', 'each'),
        { ...when('stayed', 'each', 'item == "a"') },
        connect('which', 'each', { source_handle: 'nowhere' }),
      ]
      expect((await runOnce(engine(), { steps, connections })).outcome).toMatchObject({ response: '["went a",null]' })
    })

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

    it('begins with its item, or what the iteration before gave, where a step says nothing of its own', async () => {
      const body = { source_handle: 'body' }
      const mapped = await runOnce(engine(), {
        steps: [step('each', 'map', { items: ['a', null, { b: 1 }] }), step('same', 'transform')],
        connections: [connect('each', 'same', body)],
      })
      expect(mapped.outputs['each']).toEqual(['a', null, { b: 1 }])
      const repeated = await runOnce(engine(), {
        steps: [
          step('again', 'loop', { until: 'iteration == 2' }),
          step('same', 'transform'),
          text('more', '{{ steps.same.output }}!', 'same'),
        ],
        connections: [connect('again', 'same', body)],
      })
      expect(repeated.outcome).toMatchObject({ response: 'what?!!!' })
    })

    it('ends the execution when it has made too many steps or too much of them, also over a crash, whatever else would go on', async () => {
      const items = (count: number): Partial<Definition> => ({
        steps: [
          step('each', 'map', { items: Array(count).fill(1), on_error: 'continue' }),
          text('one', '1'),
          text('two', '2', 'one'),
          text('rescue', 'rescued'),
        ],
        connections: [connect('each', 'one', { source_handle: 'body' }), connect('each', 'rescue', { source_handle: 'error' })],
      })
      const tooLarge = (exceeded: string) => ({ status: 'failed', error: { code: 'execution_too_large', details: { exceeded } } })
      engine().most.steps = 9
      expect((await runOnce(engine(), items(4))).outcome).toMatchObject({ status: 'completed' })
      expect((await runOnce(engine(), items(5))).outcome).toMatchObject(tooLarge('steps'))
      await engine().deploy('long', {
        steps: [step('a', 'transform', { mapping: '{{ input }}' }), step('nap', 'wait', { seconds: 1.5 }, 'a'), text('b', 'b', 'nap')],
      })
      for (const [characters, outcome] of [
        [10_000, { status: 'completed' }],
        [2_000, { status: 'failed' }],
      ] as const) {
        engine().most.characters = Infinity
        const execution = await engine().admit('long', { request: { query: '', chat_history: [], input: 'x'.repeat(2_000) } })
        void engine().dispatcher.start(execution)
        await rested(engine(), execution.execution_id)
        await engine().crash()
        engine().most.characters = characters
        await engine().dispatcher.recover()
        await ended(engine(), execution.execution_id)
        const { error, status } = await engine().execution(execution.execution_id)
        expect({ status }).toEqual(outcome)
        if (status === 'failed')
          expect(JSON.parse(error!)).toMatchObject({ code: 'execution_too_large', details: { exceeded: 'characters' } })
      }
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

    it('is as long as it was meant to be when the clock is set back before it, while the execution rests', async () => {
      let offset = 0
      engine().clock = { ...systemClock, now: () => systemClock.now() + offset }
      await engine().crash()
      await engine().deploy('back', { steps: [step('first', 'wait', { seconds: 0.5 }), step('second', 'wait', { seconds: 1.5 }, 'first')] })
      const { execution, outcome } = await begin(engine(), 'back')
      await rested(engine(), execution.execution_id)
      offset = -3_600_000
      const began = performance.now()
      await outcome
      expect(performance.now() - began).toBeGreaterThan(1_500)
    })

    it('that a timeout cuts short has its end and its reason', async () => {
      engine().models.replies = [hangs]
      await engine().deploy('cut', { agents: [agent('a')], steps: [step('ok', 'approval', { deadline: 100 })] }, { timeout: 1 })
      const { execution, outcome } = await engine().run('cut')
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
      const ok = (await engine().steps(execution.execution_id)).find((one) => one.step_id === 'ok')
      expect(ok).toMatchObject({ status: 'failed', attempts: [{ ended_at: expect.any(Number), error: { code: expect.any(String) } }] })
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
