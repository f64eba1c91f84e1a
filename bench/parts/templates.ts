import { parseCondition } from '../../src/templates/condition.ts'
import { parseMapping } from '../../src/templates/mapping.ts'
import { parseTemplate } from '../../src/templates/template.ts'
import { median } from '../median.ts'
import type { Part } from '../part.ts'
import type { Value } from '../value.ts'

const scope = {
  input: { name: 'Ada', order: 4711, address: { city: 'London' }, vip: true },
  query: 'Where is my order?',
  variables: { SHOP: 'example' },
  steps: {
    fetch: { status: 'completed', output: { total: 120.5, lines: [{ title: 'Tea' }, { title: 'Milk' }], carrier: { name: 'Post' } } },
  },
  now: '2026-01-31T12:00:00Z',
}

const text = parseTemplate(
  'Dear {{ input.name }} in {{ input.address.city }}, you asked {{ variables.SHOP }}: {{ query }} Order {{ input.order }} of {{ steps.fetch.output.total }} with ' +
    '{{ steps.fetch.output.lines[0].title }} and {{ steps.fetch.output.lines[1].title }} goes by {{ steps.fetch.output.carrier.name }}. It is {{ now }}.',
)
const mapping = parseMapping({
  name: '{{ input.name }}',
  city: '{{ input.address.city | upcase }}',
  order: '{{ input.order }}',
  total: '{{ steps.fetch.output.total | times: 1.2 | round: 2 }}',
  lines: '{{ steps.fetch.output.lines | map: "title" }}',
  first: '{{ steps.fetch.output.lines.first }}',
  greeting: 'Dear {{ input.name }}',
  vip: '{{ input.vip }}',
  carrier: '{{ steps.fetch.output.carrier }}',
  at: '{{ now }}',
})
const condition = parseCondition('steps.fetch.output.total > 100 and input.vip')

/** Until the compiler has seen it often enough. */
const WARM_UP = 5_000

/** What filling in costs a step, in this process. */
export const templates: Part = {
  name: 'templates',
  measure: ({ options, say }) => {
    const count = options.quick ? 5_000 : 20_000
    const microseconds = (what: string, run: () => unknown): number => {
      say(`templates: ${what}`)
      for (let index = 0; index < WARM_UP; index++) run()
      return median(Array.from({ length: options.rounds }, () => time(run, count)))
    }
    const values: Value[] = [
      { what: 'a text with 10 variables', value: microseconds('a text', () => text.render(scope)), unit: 'µs', atMost: 50 },
      { what: 'a mapping of 10 fields', value: microseconds('a mapping', () => mapping.apply(scope)), unit: 'µs' },
      { what: 'a condition', value: microseconds('a condition', () => condition.evaluate(scope)), unit: 'µs' },
    ]
    return Promise.resolve(values)
  },
}

/** Microseconds of one run. */
function time(run: () => unknown, count: number): number {
  const began = performance.now()
  for (let index = 0; index < count; index++) run()
  return ((performance.now() - began) / count) * 1000
}
