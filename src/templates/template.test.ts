import { describe, expect, it } from 'vitest'
import { TemplateFailed } from '../errors.ts'
import { parseTemplate, TemplateInvalid, type RenderOptions } from './template.ts'

const scope = {
  input: { name: 'Ada', vip: true, count: 3, nothing: null, address: { city: 'London' }, 'first name': 'Ada', size: undefined },
  query: 'hello',
  variables: { REGION: 'eu' },
  steps: { fetch: { output: { title: 'News', tags: ['a', 'b'], items: [{ id: 1 }, { id: 2 }] } } },
  same: { city: 'London' },
  now: '2026-01-31T12:34:56Z',
}

const render = (text: string, options?: RenderOptions): string => parseTemplate(text).render(scope, options)

function failureOf(text: string, options?: RenderOptions) {
  try {
    render(text, options)
  } catch (error) {
    return error
  }
  throw new Error(`'${text}' did not fail`)
}

function problemsOf(text: string) {
  try {
    parseTemplate(text)
  } catch (error) {
    if (error instanceof TemplateInvalid) return error.problems
    throw error
  }
  return []
}

describe('a template', () => {
  it.each([
    ['Hello {{ input.name }} of {{input.address.city}}!', 'Hello Ada of London!'],
    ['{{ steps.fetch.output.title | upcase }}', 'NEWS'],
    ['{{ steps["fetch"].output.items[1].id }} {{ steps.fetch.output.items[-1].id }} {{ steps.fetch.output.items.0.id }}', '2 2 1'],
    ['{{ input["first name"] }}', 'Ada'],
    [
      '{{ steps.fetch.output.tags.size }} {{ input.name.size }} {{ steps.fetch.output.tags.first }} {{ steps.fetch.output.tags.last }}',
      '2 3 a b',
    ],
    ['{% if input.vip and input.count > 2 %}yes{% else %}no{% endif %}', 'yes'],
    ['{% unless input.vip %}no{% else %}yes{% endunless %}', 'yes'],
    ['{% case query %}{% when "bye" %}1{% when "hi", "hello" %}2{% else %}3{% endcase %}', '2'],
    ['{% case input.address %}{% when steps %}1{% when same %}2{% endcase %}', '2'],
    ['{% # one\n\n  # two %}x', 'x'],
    [
      '{% for item in steps.fetch.output.items %}{{ forloop.index }}/{{ forloop.length }}:{{ item.id }}{% unless forloop.last %}, {% endunless %}{% endfor %}',
      '1/2:1, 2/2:2',
    ],
    [
      '{% for i in (1..5) limit: 2 offset: 1 reversed %}{{ i }}{% endfor %}{% for i in (1..5) limit: 2 offset: continue %}{{ i }}{% endfor %}',
      '3245',
    ],
    ['{% for pair in input.address %}{{ pair[0] }}={{ pair[1] }}{% endfor %}', 'city=London'],
    ['{% for x in input.nothing %}x{% else %}none{% endfor %}', 'none'],
    ['{% assign n = input.count | times: 2 %}{% capture t %}<{{ n }}>{% endcapture %}{{ t }}', '<6>'],
    ['{% for i in (1..4) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}', '13'],
    ['{% raw %}{{ as it is }}{% endraw %}{% comment %}no{% endcomment %}{% # nor this %}', '{{ as it is }}'],
    ['{% liquid\n assign x = query\n echo x %}', 'hello'],
    ['a {{- query -}} b', 'ahellob'],
    ['{{ (input.count == 3) }} {{ not input.vip }} {{ steps.fetch.output.tags contains "a" }}', 'true false true'],
  ])('%s', (text, rendered) => {
    expect(render(text)).toBe(rendered)
  })

  it('writes objects and lists as JSON, and null as nothing', () => {
    expect(render('{{ input.address }} {{ steps.fetch.output.tags }} [{{ input.nothing }}]')).toBe('{"city":"London"} ["a","b"] []')
  })

  it('without anything to fill in is its text', () => {
    const template = parseTemplate('a { b } % }}')
    expect(template).toMatchObject({ isConstant: true, references: [], secretNames: [] })
    expect(template.render({})).toBe('a { b } % }}')
  })

  it('gives the same each time, and leaves the scope as it was', () => {
    const template = parseTemplate(
      '{% assign input = "mine" %}{{ input }}{% for query in steps.fetch.output.tags %}{{ query }}{% endfor %}{{ query }}',
    )
    const before = structuredClone(scope)
    expect([template.render(scope), template.render(scope)]).toEqual(['mineabhello', 'mineabhello'])
    expect(scope).toEqual(before)
  })

  it('takes the parts of a value without copying it', () => {
    const list = Array.from({ length: 1_000_000 }, (_, index) => index)
    const template = parseTemplate('{{ input.list[999999] }} {{ input.list.size }}')
    const copies = Proxy.revocable({}, { ownKeys: () => expect.fail('copied') }).proxy
    expect(template.render({ input: { list, copies } })).toBe('999999 1000000')
  })
})

describe('a path that leads nowhere', () => {
  it.each([
    [
      '{{ inptu.name }}',
      'inptu',
      "there is no 'inptu'; what there is, is an object with 'input', 'query', 'variables', 'steps', 'same', 'now'",
    ],
    [
      '\n\n  {{ steps.fetch.output.titel }}',
      'steps.fetch.output.titel',
      "steps.fetch.output has no 'titel'; it is an object with 'title', 'tags', 'items'",
    ],
    ['{{ input.nothing.x }}', 'input.nothing.x', "input.nothing has no 'x'; it is null"],
    ['{{ steps.fetch.output.tags[7] }}', 'steps.fetch.output.tags[7]', "steps.fetch.output.tags has no '7'; it is a list of 2"],
    ['{{ input.name.length }}', 'input.name.length', "input.name has no 'length'; it is a text; the number of its parts is called size"],
    ['{{ input.name[0] }}', 'input.name[0]', "input.name has no '0'; it is a text"],
    [
      '{{ input.size }}',
      'input.size',
      "input has no 'size'; it is an object with 'name', 'vip', 'count', 'nothing', 'address', 'first name', 'size'",
    ],
    [
      '{% if input.x %}{% endif %}',
      'input.x',
      "input has no 'x'; it is an object with 'name', 'vip', 'count', 'nothing', 'address', 'first name', 'size'",
    ],
    [
      '{% assign y = input.x %}',
      'input.x',
      "input has no 'x'; it is an object with 'name', 'vip', 'count', 'nothing', 'address', 'first name', 'size'",
    ],
  ])('fails %j and names it', (text, path, reason) => {
    expect(failureOf(text)).toMatchObject({ code: 'template_failed', status: 422, details: { path, reason } })
  })

  it('is named with its line and column', () => {
    expect(failureOf('one\n  {{ input.x }}')).toMatchObject({
      message: expect.stringMatching(/^The template failed in line 2, column 6: input has no 'x'; /) as string,
      details: { line: 2, column: 6 },
    })
  })

  it('is what `default` stands in for', () => {
    expect(
      render(
        '{{ input.x.y | default: "d" }} {{ a | default: b | default: input.c | default: "e" }} {% if input.x | default: false %}1{% else %}2{% endif %}',
      ),
    ).toBe('d e 2')
    expect(render('{{ (input.total | default: 1) | plus: 1 }}')).toBe('2')
  })

  it.each([
    'constructor',
    '__proto__',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__defineGetter__',
    'valueOf',
    'length',
    'then',
    'toLiquid',
    'i',
    'next',
    'name',
  ])('is every name that values only inherit, and LiquidJS’s own objects have: %s', (name) => {
    for (const start of [
      'query',
      'steps',
      'steps.fetch.output.tags',
      'input.count',
      'input.vip',
      'now',
      'forloop',
      'nil',
      'empty',
      'blank',
      'true',
      '"text"',
      '5',
      '(1..2)',
    ])
      expect(
        failureOf(`{% for x in (1..1) %}{{ ${start}.${name === 'length' && start === 'forloop' ? 'parent' : name} }}{% endfor %}`),
      ).toBeInstanceOf(TemplateFailed)
    expect(failureOf(`{{ ${name} }}`)).toBeInstanceOf(TemplateFailed)
    expect(failureOf(`{{ steps["${name}"] }}`)).toBeInstanceOf(TemplateFailed)
    expect(parseTemplate('{{ steps[input.key] | default: "none" }}').render({ steps: {}, input: { key: name } })).toBe('none')
    expect(parseTemplate('{{ list | map: input.key | compact | size }}').render({ list: [{}, 'text', 1, []], input: { key: name } })).toBe(
      '0',
    )
  })

  it('is none when the value has it as its own', () => {
    const own: Record<string, unknown> = JSON.parse('{"constructor": 1, "__proto__": {"x": 2}, "length": 3, "toString": 4}')
    expect(parseTemplate('{{ o.constructor }}{{ o.__proto__.x }}{{ o.length }}{{ o.toString }}').render({ o: own })).toBe('1234')
    expect(parseTemplate('{{ o }}').render({ o: own })).toBe(JSON.stringify(own))
  })
})

describe('what is wrong with a template', () => {
  it.each([
    ['{{ a', 1, 1],
    ['x\n{% if a %}', 2, 1],
    ['{{ a | nofilter }}', 1, 1],
    ['{{ (a | nofilter) }}', 1, 9],
    ['{% nope %}', 1, 1],
    ['{{ a b }}', 1, 6],
    ['{{ a == }}', 1, 6],
    ['{{ a = b }}', 1, 7],
    ['{{ a, b }}', 1, 5],
    ['{% for x in list limit=2 %}{% endfor %}', 1, 23],
    ['{% if a), b %}{% endif %}', 1, 8],
    ['{{ [input.key].x }}', 1, 4],
    ['{{ 5 | plus: }} {{ }}', 1, 20],
    ['{% # one\n two %}', 1, 1],
    [`{{ a }}${' '.repeat(100_000)}`, 1, 1],
    ['{% if a %}'.repeat(9_000), 1, 1],
    [`{{ ${'('.repeat(50_000)} }}`, 1, 1],
  ])('is found when it is parsed, with its place: %.40s', (text, line, column) => {
    expect(problemsOf(text)).toMatchObject([{ pointer: '', line, column }])
  })

  it('is listed in full', () => {
    expect(problemsOf('{{ a b }}\n{{ c | size d }}\n{{ x == }}').length).toBeGreaterThan(0)
    const error = new TemplateInvalid(problemsOf('{{ a b }}\n{{ x == }}'))
    expect(error.issues('/steps/0/config/text')).toEqual([
      {
        pointer: '/steps/0/config/text',
        code: 'template_invalid',
        message: 'Two values stand side by side, without an operator between them. (line 1, column 6)',
      },
      { pointer: '/steps/0/config/text', code: 'template_invalid', message: "'==' lacks a value. (line 2, column 6)" },
    ])
  })

  it.each(['include', 'render', 'layout', 'block', 'increment', 'decrement', 'cycle', 'tablerow'])(
    'includes the tag %s, which reaches out of it or has no limits',
    (tag) => {
      expect(problemsOf(`{% ${tag} "x" %}`)).toMatchObject([
        { message: expect.stringContaining(`The tag '${tag}' is not available`) as string },
      ])
    },
  )

  it.each(['where_exp', 'find_exp', 'group_by_exp', 'sample', 'raw', 'inspect', 'constructor', '__proto__'])(
    'includes the filter %s',
    (filter) => {
      expect(problemsOf(`{{ list | ${filter}: "x", "y" }}`)).toHaveLength(1)
    },
  )
})

describe('the references of a template', () => {
  const referencesOf = (text: string) => parseTemplate(text).references.map(({ path }) => path.join('.'))

  it('are the paths that it reads, with their places', () => {
    expect(parseTemplate('{{ query }}\n{{ steps.fetch.output.items[0].id | plus: input.count }}').references).toEqual([
      { path: ['query'], isDynamic: false, isOptional: false, pointer: '', line: 1, column: 4 },
      { path: ['steps', 'fetch', 'output', 'items', 0, 'id'], isDynamic: false, isOptional: false, pointer: '', line: 2, column: 4 },
      { path: ['input', 'count'], isDynamic: false, isOptional: false, pointer: '', line: 2, column: 43 },
    ])
  })

  it('end where they depend on a value, which is a reference itself', () => {
    expect(parseTemplate('{{ steps[input.name].output }}').references).toMatchObject([
      { path: ['input', 'name'], isDynamic: false },
      { path: ['steps'], isDynamic: true },
    ])
  })

  it('are optional where `default` follows', () => {
    expect(parseTemplate('{{ a.b | default: c }}{{ (d | default: 1) | plus: 1 }}').references).toMatchObject([
      { path: ['a', 'b'], isOptional: true },
      { path: ['c'], isOptional: false },
      { path: ['d'], isOptional: true },
    ])
  })

  it('are not what it assigns itself, nor the items of its loops', () => {
    expect(
      referencesOf(
        '{% assign a = b.c %}{{ a.x }}{% for i in list offset: continue %}{{ i.x }}{{ forloop.index }}{{ d[i] }}{% endfor %}{{ i }}{% capture e %}{{ f }}{% endcapture %}{{ e }}',
      ),
    ).toEqual(['b.c', 'list', 'd', 'i', 'f'])
  })

  it('are found in every part of a template', () => {
    const text =
      '{% if a1 %}{{ a2 }}{% elsif a3 == a4 %}{{ a5 }}{% else %}{{ a6 }}{% endif %}{% case a7 %}{% when a8 %}{{ a9 }}{% endcase %}' +
      '{% for x in (b1..b2) limit: b3 %}{{ b4 }}{% else %}{{ b5 }}{% endfor %}{% unless b6 %}{{ b7 }}{% endunless %}{% echo b8 %}{{ "x" | append: b9 }}{{ ((c1 | plus: c2)) }}{{ "s".size }}'
    expect(referencesOf(text).toSorted()).toEqual([
      'a1',
      'a2',
      'a3',
      'a4',
      'a5',
      'a6',
      'a7',
      'a8',
      'a9',
      'b1',
      'b2',
      'b3',
      'b4',
      'b5',
      'b6',
      'b7',
      'b8',
      'b9',
      'c1',
      'c2',
    ])
  })
})

describe('the secrets of a template', () => {
  it('are named before they are needed, and given apart from the scope', () => {
    const template = parseTemplate('{{ secrets.TOKEN }}:{{ secrets["KEY"] | upcase }}{{ secrets.TOKEN }}')
    expect(template.secretNames).toEqual(['TOKEN', 'KEY'])
    expect(template.render(scope, { secrets: { TOKEN: 't', KEY: 'k' } })).toBe('t:Kt')
  })

  it('are not there in any other rendering, whatever the scope has', () => {
    const template = parseTemplate('{{ secrets.TOKEN }}')
    for (const values of [scope, { ...scope, secrets: { TOKEN: 't' } }]) {
      expect(() => template.render(values)).toThrow('secrets are not available here')
    }
    expect(failureOf('{{ secrets.TOKEN }}', { secrets: {} })).toMatchObject({
      details: { reason: "there is no secret 'TOKEN'", path: 'secrets.TOKEN' },
    })
  })

  it.each([
    '{{ secrets }}',
    '{{ secrets | json }}',
    '{{ secrets.A.B }}',
    '{{ secrets.A.size }}',
    '{{ secrets[input.name] }}',
    '{% for s in secrets %}{{ s }}{% endfor %}',
    '{{ [input.name].TOKEN }}',
    '{% assign secrets = input %}',
    '{% capture secrets %}{% endcapture %}',
    '{% for secrets in (1..2) %}{% endfor %}',
  ])('cannot be read but by their names: %s', (text) => {
    expect(problemsOf(text).length).toBeGreaterThan(0)
  })

  it('cannot be reached by a name that is data', () => {
    const values = { input: { key: 'secrets', list: [{ secrets: 1 }] } }
    const text = '{{ input[input.key] | default: "-" }}{{ input.list | map: "secrets.TOKEN" | json }}{{ secrets.TOKEN | size }}'
    expect(parseTemplate(text).render(values, { secrets: { TOKEN: 'hidden' } })).toBe('-[null]6')
  })
})
