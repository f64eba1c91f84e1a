import type { LanguageModelV4 } from '@ai-sdk/provider'
import { parseBaseUrl, type BaseUrl } from './base-url.ts'
import type { ModelRequest } from './model.ts'
import { once } from './once.ts'
import { given, type Fetch, type ModelProviderSettings, type Provider } from './provider.ts'
import type { Secrets } from './secrets.ts'
import { streamedAnswer } from './streamed-answer.ts'

const openaiItself = 'https://api.openai.com/v1'

/**
 * OpenAI itself, or with a base URL whatever speaks its language. The Responses API is OpenAI's own; elsewhere chat
 * completions is what servers have in common.
 */
export function openai(settings: ModelProviderSettings, secrets: Secrets, fetch: Fetch): Provider {
  const key = given(settings.openaiApiKey)
  const base = parseBaseUrl(given(settings.openaiBaseUrl) ?? openaiItself)
  const elsewhere = base.url !== openaiItself
  const { own, compatible } = createAdapters('openai', base, key, fetch)

  const adapter = (name: string, api: ModelRequest['api'] = elsewhere ? 'chat' : 'responses') =>
    api === 'chat' && elsewhere ? compatible(name) : own(name, api)

  return {
    name: 'openai',
    demo: false,
    missing: key || elsewhere ? undefined : 'OPENAI_API_KEY',
    keyName: 'OPENAI_API_KEY',
    bareNames: /^(gpt-|chatgpt-|o\d)/,
    answer: async (name, request) => streamedAnswer(await adapter(name, request.api), request, secrets, bearer(request.key)),
  }
}

export interface Adapters {
  own: ReturnType<typeof ownAdapter>
  compatible: ReturnType<typeof compatibleAdapter>
}

/** For a server that speaks OpenAI's language: as OpenAI itself does, and as others do. */
export function createAdapters(provider: string, base: BaseUrl, key: string | undefined, fetch: Fetch): Adapters {
  return { own: ownAdapter(base, key, fetch), compatible: compatibleAdapter(provider, base, key, fetch) }
}

/** In small letters, as the packages write the header whose place it takes. */
export function bearer(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` }
}

/** Ollama by its OpenAI-compatible API. It needs no key. */
export function ollama(settings: ModelProviderSettings, secrets: Secrets, fetch: Fetch): Provider {
  const setting = given(settings.ollamaBaseUrl)
  const base = parseBaseUrl(setting ?? 'http://127.0.0.1:11434')
  const url = base.url.endsWith('/v1') ? base.url : `${base.url}/v1`
  const compatible = compatibleAdapter('ollama', { ...base, url }, undefined, fetch)
  return {
    name: 'ollama',
    demo: false,
    missing: setting ? undefined : 'OLLAMA_BASE_URL',
    answer: async (name, request) => streamedAnswer(await compatible(name), request, secrets),
  }
}

// The packages take 60 to 110 ms to load, so that happens at the first call and not at the start.

function ownAdapter({ url, authorization }: BaseUrl, key: string | undefined, fetch: Fetch) {
  const load = once(async () => {
    const { createOpenAI } = await import('@ai-sdk/openai')
    // Without a key the package looks for one in the environment, and sends "Bearer " for an empty one; undefined takes
    // the header away again, which only its type does not know.
    const headers = key ? {} : { Authorization: authorization }
    return createOpenAI({ baseURL: url, apiKey: key ?? '', headers: headers as Record<string, string>, fetch })
  })
  return async (name: string, api: 'chat' | 'responses'): Promise<LanguageModelV4> => {
    const provider = await load()
    return api === 'chat' ? provider.chat(name) : provider.responses(name)
  }
}

const KEPT_MODELS = 100

function compatibleAdapter(provider: string, { url, authorization }: BaseUrl, key: string | undefined, fetch: Fetch) {
  const load = once(async () => {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    const { prepareChunks } = await import('./prepared-chunks.ts')
    const access = key ? { apiKey: key } : authorization ? { headers: { Authorization: authorization } } : {}
    const made = createOpenAICompatible({ name: provider, baseURL: url, includeUsage: true, fetch, ...access })
    return (name: string) => prepareChunks(made.chatModel(name))
  })
  // The package builds the schema of its chunks anew with each model object, which costs as much CPU as the call itself.
  const models = new Map<string, LanguageModelV4>()
  return async (name: string): Promise<LanguageModelV4> => {
    const known = models.get(name)
    if (known) return known
    const model = (await load())(name)
    if (models.size >= KEPT_MODELS) models.clear()
    models.set(name, model)
    return model
  }
}
