import { describe, expect, it } from 'vitest'
import { checkReferences } from './check-references.ts'
import type { FieldSchema } from './find-references.ts'
import { namesIn, referencesInExpression, referencesInText, soleName } from './references.ts'

const secret = (name?: string) => ({ kind: 'secret', name })
const variable = (name?: string) => ({ kind: 'variable', name })

describe('the references in a text', () => {
  it.each([
    ['{{ secrets.TOKEN }}', [secret('TOKEN')]],
    ['{{secrets.TOKEN}}', [secret('TOKEN')]],
    ['{{- secrets.TOKEN -}}', [secret('TOKEN')]],
    ['Bearer {{ secrets.A | strip | base64_encode }} at {{ variables.HOST }}', [secret('A'), variable('HOST')]],
    [`{{ secrets['TOKEN'] }}{{ secrets["OTHER"] }}`, [secret('TOKEN'), secret('OTHER')]],
    ['{% if secrets.A %}{{ "x" | append: secrets.B }}{% endif %}', [secret('A'), secret('B')]],
    ['{{ secrets\n.TOKEN }}', [secret('TOKEN')]],
    ['{{ secrets[name] }} {% for s in secrets %}{% endfor %}', [secret(), secret()]],
    ['{{ secrets.lower-case }}', [secret('lower-case')]],
    ['{{ variables.A }}{{ variables.A }}', [variable('A'), variable('A')]],
    ['{{ "secrets.TOKEN" }} {{ \'variables.A\' }}', []],
    ['{{ steps.fetch.output.secrets.TOKEN }} {{ my_secrets.A }} {{ my-secrets.A }} {{ secrets_of.A }}', []],
    ['Our secrets.TOKEN and variables are { secrets.TOKEN } here', []],
    ['{{ query }}', []],
    ['', []],
  ])('%s', (text, references) => {
    expect(referencesInText(text)).toEqual(references)
  })

  it('of a condition need no braces', () => {
    expect(referencesInExpression('steps.a.output.total > variables.LIMIT')).toEqual([variable('LIMIT')])
  })

  it('give the names of secrets, each once', () => {
    expect(namesIn('{{ secrets.A }}{{ secrets.B }}{{ secrets.A }}{{ secrets[x] }}{{ variables.C }}')).toEqual(['A', 'B'])
  })

  it.each([
    ['{{ secrets.TOKEN }}', 'TOKEN'],
    [' {{secrets.TOKEN}} ', 'TOKEN'],
    ['Bearer {{ secrets.TOKEN }}', undefined],
    ['{{ secrets.TOKEN | strip }}', undefined],
    ['{{ secrets.token }}', undefined],
    ['sk-0123456789', undefined],
    [{}, undefined],
  ])('%j names alone %s', (text, name) => {
    expect(soleName(text)).toBe(name)
  })
})

describe('a configuration that is checked', () => {
  const fetchStep: FieldSchema = {
    properties: {
      url: {},
      plain: { 'x-plain': true },
      headers: { 'x-secrets': true, additionalProperties: {} },
      body: { properties: { token: { 'x-secrets': true } } },
    },
  }
  const known = { environment: 'production', secrets: new Set(['TOKEN', 'OPENAI']), variables: new Set(['HOST']) }
  const check = (configuration: unknown, of: typeof known | undefined = known) =>
    checkReferences(configuration, of, {
      ofStep: (type) => (type === 'fetch' ? fetchStep : undefined),
      ofTool: (type) => (type === 'http' ? fetchStep : undefined),
    })
  const problemsOf = (configuration: unknown) => check(configuration).problems.map(({ pointer, code }) => [pointer, code])

  it('may refer to what is there where it is taken', () => {
    const configuration = {
      agents: [{ agent_id: 'a', config: { api_key: '{{ secrets.OPENAI }}', system_prompt: 'We are at {{ variables.HOST }}.' } }],
      steps: [
        {
          step_id: 'f',
          step_type: 'fetch',
          config: { headers: { auth: ['Bearer {{ secrets.TOKEN }}'] }, body: { token: '{{ secrets.TOKEN }}' } },
        },
        { step_id: 'g', step_type: 'agent', config: { api_key: '{{ secrets.OPENAI }}' } },
      ],
      connections: [{ conditions: { expression: "variables.HOST == 'a'" } }],
    }
    expect(check(configuration)).toEqual({ secrets: ['OPENAI', 'TOKEN'], variables: ['HOST'], problems: [] })
  })

  it('may refer to secrets in the tools of an agent, where such a tool takes them', () => {
    const tool = (fields: object) => ({ agents: [{ config: { tools: ['calculate', { type: 'http', ...fields }] } }] })
    expect(check(tool({ headers: { a: '{{ secrets.TOKEN }}' } }))).toMatchObject({ secrets: ['TOKEN'], problems: [] })
    expect(problemsOf(tool({ url: '{{ secrets.TOKEN }}' }))).toEqual([['/configuration/agents/0/config/tools/1/url', 'secret_not_allowed']])
    expect(problemsOf(tool({ plain: { a: '{{ secrets.TOKEN }}' } }))).toEqual([])
    expect(problemsOf({ agents: [{ config: { tools: [{ type: 'unknown', headers: '{{ secrets.TOKEN }}' }] } }] })).toEqual([
      ['/configuration/agents/0/config/tools/0/headers', 'secret_not_allowed'],
    ])
  })

  it('may not put a secret where it would be shown, recorded or sent to a model', () => {
    expect(
      problemsOf({
        agents: [{ config: { system_prompt: 'The key is {{ secrets.TOKEN }}.', 'a/b': ['{{ secrets.TOKEN }}'] } }],
        steps: [
          { step_type: 'fetch', config: { url: 'https://x/?key={{ secrets.TOKEN }}', body: { text: '{{ secrets.TOKEN }}' } } },
          { step_type: 'unheard_of', config: { text: '{{ secrets.TOKEN }}' } },
        ],
        connections: [{ conditions: { expression: "secrets.TOKEN == 'x'" } }],
      }),
    ).toEqual([
      ['/configuration/agents/0/config/system_prompt', 'secret_not_allowed'],
      ['/configuration/agents/0/config/a~1b/0', 'secret_not_allowed'],
      ['/configuration/steps/0/config/url', 'secret_not_allowed'],
      ['/configuration/steps/0/config/body/text', 'secret_not_allowed'],
      ['/configuration/steps/1/config/text', 'secret_not_allowed'],
      ['/configuration/connections/0/conditions/expression', 'secret_not_allowed'],
    ])
  })

  it('may not refer to what the environment lacks, and is told how to add it', () => {
    const { problems } = check({
      agents: [{ config: { api_key: '{{ secrets.MISSING }}', system_prompt: '{{ variables.OTHER }} {{ variables.lower }}' } }],
    })
    expect(problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/configuration/agents/0/config/api_key', 'unknown_secret'],
      ['/configuration/agents/0/config/system_prompt', 'unknown_variable'],
      ['/configuration/agents/0/config/system_prompt', 'unknown_variable'],
    ])
    expect(problems[0]!.message).toContain('PUT /api/secrets/production/MISSING')
    expect(problems[2]!.message).toContain('capital letters')
  })

  it('is not held against an environment that nobody named', () => {
    const configuration = { agents: [{ config: { api_key: '{{ secrets.MISSING }}' } }] }
    expect(checkReferences(configuration, undefined, { ofStep: () => undefined, ofTool: () => undefined })).toEqual({
      secrets: ['MISSING'],
      variables: [],
      problems: [],
    })
  })

  it('must name each outright', () => {
    expect(
      problemsOf({ steps: [{ step_type: 'fetch', config: { headers: { a: '{{ secrets[query] }}' }, url: '{{ variables[query] }}' } }] }),
    ).toEqual([
      ['/configuration/steps/0/config/headers/a', 'reference_unnamed'],
      ['/configuration/steps/0/config/url', 'reference_unnamed'],
    ])
  })

  it.each(['sk-0123456789abcdef', 'Bearer {{ secrets.TOKEN }}', '', 5, ['{{ secrets.TOKEN }}']])(
    'may not hold a key itself: %j',
    (api_key) => {
      const at = ['/configuration/agents/0/config/api_key', 'secret_in_plain_text']
      expect(problemsOf({ agents: [{ config: { api_key } }] })).toContainEqual(at)
      expect(problemsOf({ steps: [{ step_type: 'agent_execution', config: { api_key } }] })).toContainEqual([
        '/configuration/steps/0/config/api_key',
        'secret_in_plain_text',
      ])
    },
  )

  it('never quotes what may be a key', () => {
    expect(JSON.stringify(check({ agents: [{ config: { api_key: 'sk-0123456789abcdef' } }] }))).not.toContain('sk-0123456789')
  })

  it.each([
    undefined,
    null,
    [],
    5,
    { agents: 5, steps: {}, connections: null },
    { agents: [null, 5], steps: [[]], connections: ['x'] },
    { agents: [{ config: null }] },
  ])('may be unfinished: %j', (configuration) => {
    expect(check(configuration)).toEqual({ secrets: [], variables: [], problems: [] })
  })
})
