import { once } from './once.ts'
import { given, type Fetch, type ModelProviderSettings, type Provider } from './provider.ts'
import type { Secrets } from './secrets.ts'
import { streamedAnswer } from './streamed-answer.ts'

export function google(
  settings: ModelProviderSettings,
  secrets: Secrets,
  fetch: Fetch,
  baseURL = 'https://generativelanguage.googleapis.com/v1beta',
): Provider {
  const apiKey = given(settings.googleApiKey)
  const load = once(async () => {
    const { createGoogle } = await import('@ai-sdk/google')
    return createGoogle({ baseURL, apiKey: apiKey ?? '', fetch })
  })
  return {
    name: 'google',
    demo: false,
    missing: apiKey ? undefined : 'GOOGLE_GENERATIVE_AI_API_KEY',
    keyName: 'GOOGLE_GENERATIVE_AI_API_KEY',
    bareNames: /^gemini-/,
    answer: async (name, request) =>
      streamedAnswer(
        (await load()).languageModel(name),
        request,
        secrets,
        request.key === undefined ? {} : { 'x-goog-api-key': request.key },
      ),
  }
}
