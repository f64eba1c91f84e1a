import { describe, expect, it } from 'vitest'
import { modelRequest } from '../../test/support/model-request.ts'
import { ModelCallError } from './model-call-error.ts'
import { createModels, type ModelProviderSettings } from './providers.ts'

const models = (settings: Partial<ModelProviderSettings> = {}) => createModels({ defaultModel: 'demo/assistant', ...settings })

describe('the name of a model', () => {
  it.each([
    ['openai/gpt-4o', 'openai/gpt-4o'],
    ['openai/meta/llama-3', 'openai/meta/llama-3'],
    ['gpt-4o', 'openai/gpt-4o'],
    ['chatgpt-4o-latest', 'openai/chatgpt-4o-latest'],
    ['o1', 'openai/o1'],
    ['o4-mini', 'openai/o4-mini'],
    ['claude-sonnet-4-5', 'anthropic/claude-sonnet-4-5'],
    ['gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['anthropic/anything', 'anthropic/anything'],
    ['ollama/llama3:8b', 'ollama/llama3:8b'],
    ['demo/echo', 'demo/echo'],
    ['demo/assistant', 'demo/assistant'],
  ])('%s is %s', (name, model) => {
    expect(models().resolve(name)).toMatchObject({ model, provider: model.split('/')[0], demo: model.startsWith('demo/') })
  })

  it.each(['llama3', 'mistral/large', 'demo/other', 'demo', 'openai/', 'openai', '/gpt-4o', '', 'omni', 'my-gpt-4o', 'constructor/x'])(
    "'%s' is no model",
    (name) => {
      expect(models().resolve(name)).toBeUndefined()
    },
  )
})

describe('a provider', () => {
  it.each([
    ['gpt-4o', 'OPENAI_API_KEY', { openaiApiKey: 'k' }],
    ['gpt-4o', 'OPENAI_API_KEY', { openaiBaseUrl: 'http://127.0.0.1:1/v1' }],
    ['claude-x', 'ANTHROPIC_API_KEY', { anthropicApiKey: 'k' }],
    ['gemini-x', 'GOOGLE_GENERATIVE_AI_API_KEY', { googleApiKey: 'k' }],
    ['ollama/x', 'OLLAMA_BASE_URL', { ollamaBaseUrl: 'http://127.0.0.1:1' }],
  ])('of %s misses %s until it is configured', (name, variable, settings) => {
    expect(models().resolve(name)).toMatchObject({ missing: variable })
    expect(models(settings).resolve(name)).not.toHaveProperty('missing')
  })

  it.each([
    ['gpt-4o', 'OPENAI_API_KEY'],
    ['claude-x', 'ANTHROPIC_API_KEY'],
    ['gemini-x', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['ollama/x', undefined],
    ['demo/echo', undefined],
  ])('of %s has its key under the name %s', (name, keyName) => {
    expect(models().resolve(name)?.keyName).toBe(keyName)
  })

  it('counts a setting of spaces as none', () => {
    expect(models({ openaiApiKey: ' ', openaiBaseUrl: '' }).resolve('gpt-4o')?.missing).toBe('OPENAI_API_KEY')
  })

  it("needs the key where the base URL is OpenAI's own", () => {
    expect(models({ openaiBaseUrl: 'https://api.openai.com/v1/' }).resolve('gpt-4o')?.missing).toBe('OPENAI_API_KEY')
  })
})

describe('a call', () => {
  const failureOf = (model: string): Promise<unknown> =>
    models()
      .call(modelRequest(model))
      .catch((error: unknown) => error)

  it('to a provider that is not configured names the variable, and is not retried', async () => {
    const failure = await failureOf('claude-x')
    expect(failure).toBeInstanceOf(ModelCallError)
    expect(failure).toMatchObject({
      retryable: false,
      error: { code: 'model_not_configured', message: expect.stringContaining('ANTHROPIC_API_KEY') },
    })
  })

  it('to a model that nobody knows is not retried', async () => {
    expect(await failureOf('mistral/large')).toMatchObject({ retryable: false, error: { code: 'model_unknown' } })
  })

  it('that is aborted before it begins throws the reason', async () => {
    const reason = new Error('cancelled')
    await expect(models().call(modelRequest('demo/echo', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)
  })
})
