import { describe, expect, it } from 'vitest'
import { createModels } from '../models/providers.ts'
import { stepKinds } from '../nodes/kinds.ts'
import { compilePlan } from './plan.ts'
import { resolveDefinition } from './resolve.ts'

const models = createModels({ defaultModel: 'demo/assistant' })
const resolve = (config: object) =>
  resolveDefinition(
    { agents: [{ agent_id: 'a', config }] },
    { agents: [], defaultModel: models.default, resolveModel: (name) => models.resolve(name), kinds: stepKinds },
  )
const problemsOf = (config: object) => resolve(config).problems.map(({ code, pointer }) => [code, pointer])

describe('a server that an agent names', () => {
  it.each([
    ['llama-3.1-8b', 'openai/llama-3.1-8b'],
    ['openai/llama', 'openai/llama'],
    ['meta-llama/Llama-3', 'openai/meta-llama/Llama-3'],
    // Not the one that is built in, whose steps have no effect.
    ['demo/echo', 'openai/demo/echo'],
  ])('has a model of any name, and needs no configured provider: %s', (model, resolved) => {
    const { definition, problems, warnings } = resolve({ base_url: 'https://llm.example.com/v1', model })
    expect([problems, warnings]).toEqual([[], []])
    const { agent } = compilePlan(definition, stepKinds).flow.units[0]!
    expect(agent).toMatchObject({ model: resolved, baseUrl: 'https://llm.example.com/v1' })
    expect(models.resolve(agent!.model)?.demo).toBe(false)
  })

  it.each([{}, { model: '' }, { model: 'openai/' }])('needs the model to be named: %j', (config) =>
    expect(problemsOf({ base_url: 'https://llm.example.com', ...config })).toEqual([['required', '/configuration/agents/0/config/model']]),
  )

  it.each([
    7,
    '',
    'llm.example.com/v1',
    '/v1',
    'ftp://llm.example.com',
    'http://',
    'https://user:password@llm.example.com',
    'https://llm.example.com?key=x',
    'https://llm.example.com/#v1',
    'http://llm.example.com:25',
    '{{ variables.SERVER }}',
  ])('must be an address that can be called: %j', (base_url) =>
    expect(problemsOf({ base_url, model: 'llama' })).toEqual([['invalid_setting', '/configuration/agents/0/config/base_url']]),
  )
})
