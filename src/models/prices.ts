import { readFileSync } from 'node:fs'
import type { Tokens } from './model.ts'

/** US dollars for a million tokens. */
export interface Price {
  input: number
  output: number
}

/** In US dollars; null where nobody knows. */
export type CostOf = (model: string, tokens: Tokens) => number | null

/** The list prices of well-known models, by what stands before a date in their names. The operator's own file comes before them. */
const listed: Readonly<Record<string, Price>> = {
  'openai/gpt-5': { input: 1.25, output: 10 },
  'openai/gpt-5-mini': { input: 0.25, output: 2 },
  'openai/gpt-5-nano': { input: 0.05, output: 0.4 },
  'openai/gpt-4.1': { input: 2, output: 8 },
  'openai/gpt-4.1-mini': { input: 0.4, output: 1.6 },
  'openai/gpt-4.1-nano': { input: 0.1, output: 0.4 },
  'openai/gpt-4o': { input: 2.5, output: 10 },
  'openai/gpt-4o-mini': { input: 0.15, output: 0.6 },
  'openai/o3': { input: 2, output: 8 },
  'openai/o4-mini': { input: 1.1, output: 4.4 },
  'anthropic/claude-opus-4-1': { input: 15, output: 75 },
  'anthropic/claude-opus-4-5': { input: 5, output: 25 },
  'anthropic/claude-sonnet-4': { input: 3, output: 15 },
  'anthropic/claude-sonnet-4-5': { input: 3, output: 15 },
  'anthropic/claude-haiku-4-5': { input: 1, output: 5 },
  'anthropic/claude-3-5-haiku': { input: 0.8, output: 4 },
  'google/gemini-2.5-pro': { input: 1.25, output: 10 },
  'google/gemini-2.5-flash': { input: 0.3, output: 2.5 },
  'google/gemini-2.5-flash-lite': { input: 0.1, output: 0.4 },
  'google/gemini-2.0-flash': { input: 0.1, output: 0.4 },
}

/** Of one release of a model: `-2025-08-07`, `-20250929`, `-latest`. */
const RELEASE = /-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$/

/** @param own prices by `provider/model`, or by `provider/*` for all others of a provider */
export function costsBy(own: Readonly<Record<string, Price>> = {}): CostOf {
  const prices = new Map([...Object.entries(listed), ...Object.entries(own)])
  const find = (model: string): Price | undefined =>
    prices.get(model) ?? prices.get(model.replace(RELEASE, '')) ?? prices.get(`${model.split('/')[0]!}/*`)
  return (model, { input, output }) => {
    if (model.startsWith('demo/')) return 0
    const price = find(model)
    return price ? (input * price.input + output * price.output) / 1_000_000 : null
  }
}

/** A model whose price is known, or with `provider/*` all others of a provider. */
export interface PricedModel extends Price {
  model: string
  /** Whether the operator said so. */
  own: boolean
}

/** By name. */
export function pricedModels(own: Readonly<Record<string, Price>> = {}): PricedModel[] {
  const all = { ...listed, ...own }
  const names = Object.keys(all).toSorted()
  return names.map((model) => ({ model, input: all[model]!.input, output: all[model]!.output, own: Object.hasOwn(own, model) }))
}

/** @throws an Error whose message says what is wrong with the file */
export function readPrices(file: string): Record<string, Price> {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`it cannot be read: ${(error as Error).message}`, { cause: error })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error(rule)
  for (const [model, price] of Object.entries(parsed)) if (!model.includes('/') || !isPrice(price)) throw new Error(`'${model}': ${rule}`)
  return parsed as Record<string, Price>
}

const rule = 'it must be an object such as {"openai/gpt-4o": {"input": 2.5, "output": 10}}, in US dollars for a million tokens'

function isPrice(value: unknown): value is Price {
  const { input, output } = (value ?? {}) as Partial<Record<string, unknown>>
  return [input, output].every((one) => typeof one === 'number' && Number.isFinite(one) && one >= 0)
}
