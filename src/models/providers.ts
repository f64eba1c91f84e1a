import { ModelNotConfigured, ModelUnknown } from '../errors.ts'
import { anthropic } from './anthropic.ts'
import { parseBaseUrl } from './base-url.ts'
import { demo } from './demo.ts'
import { google } from './google.ts'
import { ModelCallError } from './model-call-error.ts'
import type { ModelAnswer, ModelInfo, ModelRequest, Models } from './model.ts'
import { ollama, openai } from './openai.ts'
import { given, type Fetch, type ModelProviderSettings, type Provider } from './provider.ts'
import { Secrets } from './secrets.ts'
import { createTransport } from './transport.ts'

export type { ModelProviderSettings } from './provider.ts'

/** Every model that can be named. A provider's package is loaded at the first call to it. */
export function createModels(settings: ModelProviderSettings, fetch: Fetch = createTransport()): Models {
  const secrets = secretsOf(settings)
  return modelsOf(settings.defaultModel, [
    openai(settings, secrets, fetch),
    anthropic(settings, secrets, fetch),
    google(settings, secrets, fetch),
    ollama(settings, secrets, fetch),
    demo(),
  ])
}

export function modelsOf(defaultModel: string, providers: readonly Provider[]): Models {
  // Asked for at every step. Names come from definitions, so there could be any number of them.
  const known = new Map<string, Found | undefined>()
  const look = (name: string): Found | undefined => {
    if (known.has(name)) return known.get(name)
    if (known.size >= MOST_KNOWN) known.clear()
    const found = find(providers, name)
    known.set(name, found)
    return found
  }
  return { default: defaultModel, resolve: (name) => look(name)?.info, call: (request) => call(look(request.model), request) }
}

/** What of the settings no message may show. */
export function secretsOf(settings: ModelProviderSettings): Secrets {
  const urls = [settings.openaiBaseUrl, settings.ollamaBaseUrl].map(given).filter((url) => url !== undefined)
  return new Secrets([
    ...[settings.openaiApiKey, settings.anthropicApiKey, settings.googleApiKey].map(given),
    ...urls.flatMap((url) => parseBaseUrl(url).secrets),
  ])
}

const MOST_KNOWN = 1_000

interface Found {
  provider: Provider
  /** Without the provider; may contain slashes. */
  name: string
  info: ModelInfo
}

function find(providers: readonly Provider[], model: string): Found | undefined {
  const slash = model.indexOf('/')
  const name = model.slice(slash + 1)
  const provider =
    slash === -1 ? providers.find((one) => one.bareNames?.test(name)) : providers.find((one) => one.name === model.slice(0, slash))
  if (!provider || !name.trim() || provider.models?.includes(name) === false) return undefined
  const { demo: isDemo, missing } = provider
  const info = { model: `${provider.name}/${name}`, provider: provider.name, demo: isDemo, ...(missing && { missing }) }
  return { provider, name, info }
}

async function call(found: Found | undefined, request: ModelRequest): Promise<ModelAnswer> {
  request.signal.throwIfAborted()
  if (!found) throw new ModelCallError(new ModelUnknown({ model: request.model }), { retryable: false })
  const { missing } = found.info
  if (missing) throw new ModelCallError(new ModelNotConfigured({ model: request.model, variable: missing }), { retryable: false })
  return found.provider.answer(found.name, request)
}
