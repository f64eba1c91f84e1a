import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StudioError } from '../errors.ts'
import { threadMilliseconds } from '../interrupt.ts'
import { engine } from './engine.ts'
import { parseCondition } from './condition.ts'
import { parseMapping } from './mapping.ts'
import { parseTemplate, TemplateInvalid } from './template.ts'

const CODES = new Set(['template_failed', 'template_limit', 'condition_not_boolean'])
const SLACK = 100

const scope = {
  input: { name: 'Ada', list: [1, 'two', null, { a: [true] }], n: -1.5, none: null, text: ' <b>x</b>\n', deep: { a: { b: { c: 1 } } } },
  query: '😀',
  steps: { a: { output: [{ k: 1 }, { k: 2 }] } },
  now: '2026-01-31T12:34:56Z',
}

// Pieces of templates, right and wrong, that are put together at random.
const word = fc.constantFrom(
  'input', 'query', 'steps', 'now', 'x', 'forloop', 'nil', 'empty', 'blank', 'true', 'secrets', 'input.name', 'input.list', 'input.list[0]', 'input.n', 'input.none', 'input.deep.a', 'steps.a.output', 'x.y', 'constructor',
  '__proto__', 'input.__proto__', 'input.constructor.constructor', 'input["name"]', 'input[query]', 'forloop.index', 'forloop.__proto__.next', '5', '-3', '1.5', '1e9', '"text"', "'\\u0041'", '""', '(1..3)', '(input.n..9)', '(5..1000000000)', '[', ']', '(', ')', '.', ',', ':', '|', '=', '#',
) // prettier-ignore
const operator = fc.constantFrom('==', '!=', '>', '<', '>=', '<=', 'contains', 'and', 'or', 'not')
const filter = fc.constantFrom(...Object.keys(engine().liquid.filters), 'where_exp', 'nope')
const expression = fc.oneof(
  { weight: 3, arbitrary: word },
  fc.tuple(word, operator, word).map((parts) => parts.join(' ')),
  fc
    .tuple(word, fc.array(fc.tuple(filter, fc.array(word, { maxLength: 3 })), { maxLength: 4 }))
    .map(([start, filters]) =>
      [start, ...filters.map(([name, args]) => (args.length === 0 ? name : `${name}: ${args.join(', ')}`))].join(' | '),
    ),
  fc.array(fc.oneof(word, operator), { maxLength: 6 }).map((parts) => parts.join(' ')),
)
const { template } = fc.letrec<{ template: string }>((tie) => {
  const body = fc.array(tie('template'), { maxLength: 3 }).map((parts) => parts.join(''))
  const tagged = (make: (expression: string, body: string) => string): fc.Arbitrary<string> =>
    fc.tuple(expression, body).map(([value, inner]) => make(value, inner))
  return {
    template: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      expression.map((value) => `{{ ${value} }}`),
      expression.map((value) => `{% assign x = ${value} %}`),
      tagged((value, inner) => `{% if ${value} %}${inner}{% else %}${inner}{% endif %}`),
      tagged((value, inner) => `{% for x in ${value} %}${inner}{{ x }}{% endfor %}`),
      tagged((value, inner) => `{% capture x %}${inner}{% endcapture %}{{ x | size }}{{ ${value} }}`),
      tagged((value, inner) => `{% case ${value} %}{% when ${value} %}${inner}{% endcase %}`),
      fc
        .tuple(
          fc.constantFrom('{%', '{{', '{%-', '%}', '}}', '{% raw %}', '{% liquid', '{% endfor %}', '{% include', '{% comment %}'),
          expression,
        )
        .map((parts) => parts.join(' ')),
    ),
  }
})
const text = fc.oneof(
  { weight: 4, arbitrary: fc.array(template, { maxLength: 4 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map((inner) => `{{${inner}}}`) },
)

/** What functions and objects look like that are shown as texts. */
const CODE = /native code|\[object |=>|class \w+ extends/

/** What it gives, or why it does not; anything but a typed error is thrown. */
function outcomeOf(render: () => unknown): unknown {
  const before = threadMilliseconds()
  try {
    return { value: render() }
  } catch (error) {
    if (error instanceof TemplateInvalid) return { problems: error.problems }
    if (!(error instanceof StudioError) || !CODES.has(error.code)) throw error
    return { code: error.code, message: error.code === 'template_limit' ? '' : error.message }
  } finally {
    expect(threadMilliseconds() - before).toBeLessThan(2 * 10 + SLACK)
  }
}

const prototypes = [
  Object,
  Array,
  String,
  Number,
  Boolean,
  Function,
  RegExp,
  Map,
  Error,
  ...Object.values(engine().module).filter((one) => typeof one === 'function'),
]
const shapeOf = (): string[] =>
  prototypes.map((one) =>
    one.prototype === undefined
      ? ''
      : Reflect.ownKeys(one.prototype as object)
          .map((key) => `${String(key)}${typeof Object.getOwnPropertyDescriptor(one.prototype, key)?.value}`)
          .join(),
  )

describe('any text at all', () => {
  it('gives the same text each time or a typed error, in time, and changes nothing', () => {
    const shape = shapeOf()
    const before = structuredClone(scope)
    fc.assert(
      fc.property(text, (source) => {
        const first = outcomeOf(() => parseTemplate(source).render(scope))
        expect(outcomeOf(() => parseTemplate(source).render(scope))).toEqual(first)
        // What the text itself says may well come out again.
        if (!CODE.test(source)) expect(JSON.stringify(first)).not.toMatch(CODE)
      }),
      { numRuns: 3_000 },
    )
    expect(scope).toEqual(before)
    expect(shapeOf()).toEqual(shape)
  })

  it('as a mapping gives a value that JSON can hold, or a typed error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          expression.map((value) => `{{ ${value} }}`),
        ),
        (source) => {
          const outcome = outcomeOf(() => parseMapping({ a: [source], b: 1 }).apply(scope))
          expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('as a condition is true or false, or a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(expression, fc.string()), (source) => {
        const outcome = outcomeOf(() => parseCondition(source).evaluate(scope))
        expect(typeof ((outcome as { value?: unknown }).value ?? true)).toBe('boolean')
      }),
      { numRuns: 2_000 },
    )
  })

  it('refers to every path that it reads', () => {
    fc.assert(
      fc.property(text, (source) => {
        const roots = new Set<string>()
        const watched = new Proxy(scope, {
          get: (target, key) => (roots.add(String(key)), Reflect.get(target, key) as unknown),
        })
        let references: readonly { path: readonly (string | number)[] }[] = []
        outcomeOf(() => {
          const parsed = parseTemplate(source)
          references = parsed.references
          return parsed.render(watched)
        })
        const known = new Set(references.map(({ path }) => path[0]))
        // `'now'` in a date is no path.
        expect([...roots].filter((root) => !known.has(root) && root !== 'now')).toEqual([])
      }),
      { numRuns: 1_500 },
    )
  })
})
