import { once } from './once.ts'
import { given, type Fetch, type ModelProviderSettings, type Provider } from './provider.ts'
import type { Secrets } from './secrets.ts'
import { streamedAnswer } from './streamed-answer.ts'

/** @param baseURL always given, because the package would look for one in the environment */
export function anthropic(
  settings: ModelProviderSettings,
  secrets: Secrets,
  fetch: Fetch,
  baseURL = 'https://api.anthropic.com/v1',
): Provider {
  const apiKey = given(settings.anthropicApiKey)
  const load = once(async () => {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    return createAnthropic({ baseURL, apiKey: apiKey ?? '', fetch })
  })
  return {
    name: 'anthropic',
    demo: false,
    missing: apiKey ? undefined : 'ANTHROPIC_API_KEY',
    keyName: 'ANTHROPIC_API_KEY',
    bareNames: /^claude-/,
    answer: async (name, request) =>
      streamedAnswer((await load()).languageModel(name), request, secrets, request.key === undefined ? {} : { 'x-api-key': request.key }),
  }
}
