import type { ModelAnswer, ModelRequest } from './model.ts'

/** The only source of what the providers need: none of them may look into the environment on its own. */
export interface ModelProviderSettings {
  defaultModel: string
  openaiApiKey?: string
  openaiBaseUrl?: string
  anthropicApiKey?: string
  googleApiKey?: string
  ollamaBaseUrl?: string
}

/** How providers reach their servers: `createTransport`, and in tests whatever they like. */
export type Fetch = typeof globalThis.fetch

/** One source of models. A new one is a file with one of these, and a line in providers.ts. */
export interface Provider {
  /** What stands before the first slash of `provider/model`. */
  readonly name: string
  /** Runs without any provider, and says so wherever it answers. */
  readonly demo: boolean
  /** The environment variable without which a call must fail. */
  readonly missing: string | undefined
  /** The environment variable that holds its key; left out where it has none. */
  readonly keyName?: string
  /** Which names without a provider are certainly this one's. */
  readonly bareNames?: RegExp
  /** All the models there are. Left out where only the provider knows. */
  readonly models?: readonly string[]
  /**
   * @param name the model without its provider
   * @throws {ModelCallError} for whatever went wrong
   * @throws the signal's reason when it is aborted
   */
  answer(name: string, request: ModelRequest): Promise<ModelAnswer>
}

/** A setting as it counts: `KEY=` in an environment file, or a stray space after the value, sets nothing of its own. */
export function given(setting: string | undefined): string | undefined {
  return setting?.trim() || undefined
}
