import { pricedModels, type Price } from '../models/prices.ts'
import { describeProviders, type ModelProviderSettings, type ProviderInfo } from '../models/providers.ts'

export interface ModelView {
  model: string
  price: Price | null
  price_source: 'built in' | 'AGENT_STUDIO_PRICES' | null
}

export interface ProviderView {
  provider: string
  demo: boolean
  configured: boolean
  missing: string | null
  secret: string | null
  environments_with_secret: string[]
  models: ModelView[]
}

/** What can be said of the providers once and for all: settings do not change while the server runs. */
export function providerViews(settings: ModelProviderSettings, ownPrices: Readonly<Record<string, Price>>): ProviderView[] {
  const priced = pricedModels(ownPrices)
  return describeProviders(settings).map((provider) => ({
    provider: provider.name,
    demo: provider.demo,
    configured: provider.missing === undefined,
    missing: provider.missing ?? null,
    secret: provider.keyName ?? null,
    environments_with_secret: [],
    models: modelsOf(provider, priced),
  }))
}

function modelsOf({ name, demo, models = [] }: ProviderInfo, priced: ReturnType<typeof pricedModels>): ModelView[] {
  // What a price says of them does not count: they cost nothing.
  if (demo) return models.map((model) => ({ model: `${name}/${model}`, price: { input: 0, output: 0 }, price_source: 'built in' }))
  return priced
    .filter(({ model }) => model.startsWith(`${name}/`))
    .map(({ model, input, output, own }) => ({ model, price: { input, output }, price_source: own ? 'AGENT_STUDIO_PRICES' : 'built in' }))
}
