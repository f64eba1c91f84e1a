import { ModelNotConfigured, ModelUnknown } from '../errors.ts'
import { anthropic } from './anthropic.ts'
import { parseBaseUrl } from './base-url.ts'
import { demo } from './demo.ts'
import { google } from './google.ts'
import { ModelCallError } from './model-call-error.ts'
import { createOutgoing } from '../outgoing/outgoing.ts'
import type { ModelAnswer, ModelInfo, ModelRequest, Models } from './model.ts'
import { checkedTransport, namedServers } from './named-server.ts'
import { ollama, openai } from './openai.ts'
import { given, type Fetch, type ModelProviderSettings, type Provider } from './provider.ts'
import { Secrets } from './secrets.ts'
import { createTransport } from './transport.ts'

export type { ModelProviderSettings } from './provider.ts'

/**
 * Every model that can be named. A provider's package is loaded at the first call to it.
 * @param fetch leads to the configured providers
 * @param checkedFetch leads to the servers that agents name
 */
export function createModels(
  settings: ModelProviderSettings,
  fetch: Fetch = createTransport(),
  checkedFetch: Fetch = checkedTransport(createOutgoing()),
): Models {
  const secrets = secretsOf(settings)
  return modelsOf(settings.defaultModel, allProviders(settings, secrets, fetch), namedServers(secrets, checkedFetch))
}

function allProviders(settings: ModelProviderSettings, secrets: Secrets, fetch: Fetch): Provider[] {
  return [
    openai(settings, secrets, fetch),
    anthropic(settings, secrets, fetch),
    google(settings, secrets, fetch),
    ollama(settings, secrets, fetch),
    demo(),
  ]
}

/** What there is to say of a provider, without its keys. */
export type ProviderInfo = Pick<Provider, 'name' | 'demo' | 'missing' | 'keyName' | 'models'>

export function describeProviders(settings: ModelProviderSettings): ProviderInfo[] {
  const nowhere: Fetch = () => Promise.reject(new Error('nobody is called'))
  return allProviders(settings, secretsOf(settings), nowhere).map(({ name, demo, missing, keyName, models }) => ({
    name,
    demo,
    missing,
    ...(keyName !== undefined && { keyName }),
    ...(models && { models }),
  }))
}

/** @param callNamed calls a model of a server that the agent names */
export function modelsOf(
  defaultModel: string,
  providers: readonly Provider[],
  callNamed?: (name: string, request: ModelRequest) => Promise<ModelAnswer>,
): Models {
  // Asked for at every step. Names come from definitions, so there could be any number of them.
  const known = new Map<string, Found | undefined>()
  const look = (name: string): Found | undefined => {
    if (known.has(name)) return known.get(name)
    if (known.size >= MOST_KNOWN) known.clear()
    const found = find(providers, name)
    known.set(name, found)
    return found
  }
  return {
    default: defaultModel,
    resolve: (name) => look(name)?.info,
    call: (request) => {
      const found = look(request.model)
      return callNamed && request.base_url !== undefined ? callNamed(found?.name ?? request.model, request) : call(found, request)
    },
  }
}

/** What of the settings no message may show. */
export function secretsOf(settings: ModelProviderSettings): Secrets {
  return new Secrets(secretValues(settings))
}

/** The values themselves, for whoever hides them elsewhere. */
export function secretValues(settings: ModelProviderSettings): string[] {
  const urls = [settings.openaiBaseUrl, settings.ollamaBaseUrl].map(given).filter((url) => url !== undefined)
  const keys = [settings.openaiApiKey, settings.anthropicApiKey, settings.googleApiKey].map(given).filter((key) => key !== undefined)
  return [...keys, ...urls.flatMap((url) => parseBaseUrl(url).secrets)]
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
  const { demo: isDemo, missing, keyName } = provider
  const info = {
    model: `${provider.name}/${name}`,
    provider: provider.name,
    demo: isDemo,
    ...(missing && { missing }),
    ...(keyName && { keyName }),
  }
  return { provider, name, info }
}

async function call(found: Found | undefined, request: ModelRequest): Promise<ModelAnswer> {
  request.signal.throwIfAborted()
  if (!found) throw new ModelCallError(new ModelUnknown({ model: request.model }), { retryable: false })
  const { missing, keyName } = found.info
  if (missing && !(request.key && missing === keyName)) {
    const environment = missing === keyName ? request.environment : undefined
    throw new ModelCallError(new ModelNotConfigured({ model: request.model, variable: missing, ...(environment && { environment }) }), {
      retryable: false,
    })
  }
  return found.provider.answer(found.name, request)
}
