import { stepKinds } from '../../../src/nodes/kinds.ts'
import type { Random } from '../random.ts'
import type { Schema } from './operations.ts'

/** Workflows that make sense. */
export const sensible: readonly object[] = [
  { agents: [{ agent_id: 'a', config: { model: 'demo/echo' } }] },
  { agents: [{ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: 'Answer without pauses.', tools: ['b'] } }] },
  {
    agents: [
      { agent_id: 'a', config: { model: 'demo/assistant' } },
      { agent_id: 'b', config: { model: 'demo/echo' } },
    ],
    connections: [{ source_agent_id: 'a', target_agent_id: 'b', connection_type: 'default' }],
  },
  { steps: [{ step_id: 't', step_type: 'transform', config: { template: '{{ query | upcase }} {{ variables.KEY_1 }}' } }] },
  { steps: [{ step_id: 'h', step_type: 'http', config: { method: 'GET', url: 'http://127.0.0.1:1/' } }] },
  { steps: [{ step_id: 'c', step_type: 'code', config: { source: 'return input' } }] },
  { steps: [{ step_id: 'w', step_type: 'wait', config: { seconds: 0.01 } }] },
  { steps: [{ step_id: 'p', step_type: 'approval', config: { message: 'May I?' } }] },
  { steps: [{ step_id: 's', step_type: 'signal', config: { name: 'n1' } }] },
  { agents: [{ agent_id: 'a', config: { model: 'gpt-4o', api_key: '{{ secrets.KEY_1 }}' } }], metadata: { any: [1, null] } },
]

/** What a text of a step may say. */
export const sayings: readonly string[] = [
  '{{ query }}',
  '{{ input.a.b }}',
  '{{ steps.s1.output }}',
  '{{ steps.s1.output.items }}',
  '{{ nothing.at.all }}',
  '{{ secrets.KEY_1 }}',
  '{{ variables.KEY_1 }}',
  '{{ query | split: "" | reverse | join: "," }}',
  '{% for item in input %}{{ item }}{% endfor %}',
  '{% if query == "x" %}y{% endif %}',
  '{{',
  'query == "x"',
  'steps.s1.output > 3',
  'true',
  'return steps',
  'while (true) {}',
  'throw new Error("no")',
]

/** A workflow of steps whose configs fit their schemas, and which may make sense. */
export function anyFlow(random: Random, fitting: (schema: Schema) => unknown): object {
  const kinds = [...stepKinds.values()]
  const steps = Array.from({ length: 1 + Math.floor(random.between(0, 4)) }, (_, index) => {
    const { kind, schema } = random.pick(kinds)
    const config = fitting(schema as Schema)
    const dependencies = index > 0 && random.next() < 0.7 ? [`s${Math.floor(random.between(1, index + 1))}`] : []
    return { step_id: `s${index + 1}`, step_type: kind, config, dependencies }
  })
  return { steps, ...(random.next() < 0.3 && { agents: [{ agent_id: 'a', config: { model: 'demo/echo' } }] }) }
}
