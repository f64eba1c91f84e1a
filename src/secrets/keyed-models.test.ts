import { beforeEach, describe, expect, it } from 'vitest'
import { modelRequest } from '../../test/support/model-request.ts'
import { SecretMissing } from '../errors.ts'
import type { ModelRequest, Models } from '../models/model.ts'
import { keyedModels } from './keyed-models.ts'
import type { Secrets } from './secrets.ts'

let asked: ModelRequest[]
let looked: string[]
let values: Record<string, string>
beforeEach(() => {
  asked = []
  looked = []
  values = { 'production/OPENAI_API_KEY': 'sk-of-production', 'production/OWN': ' sk-of-the-agent\n' }
})

const models: Models = {
  default: 'demo/echo',
  resolve: (name) => ({
    model: name,
    provider: name.split('/')[0]!,
    demo: name.startsWith('demo/'),
    ...(name.startsWith('openai/') && { keyName: 'OPENAI_API_KEY' }),
  }),
  call: async (request) => {
    asked.push(request)
    return { text: '', calls: [], tokens: { input: 0, output: 0, total: 0 }, finish_reason: 'stop' }
  },
}
const secrets: Secrets = {
  find: async (environment, name) => {
    looked.push(name)
    return values[`${environment}/${name}`]
  },
  resolve: async (environment, name) => {
    const value = await secrets.find(environment, name)
    if (value === undefined) throw new SecretMissing({ environment, name })
    return value
  },
  resolveAll: async () => ({}),
}
const call = (model: string, fields: Partial<ModelRequest> = {}) =>
  keyedModels(models, secrets).call(modelRequest(model, { environment: 'production', ...fields }))
const keyOf = async (model: string, fields?: Partial<ModelRequest>) => {
  await call(model, fields)
  return asked.at(-1)!.key
}

describe('a model is called', () => {
  it('with the secret that is called like the variable of its provider', async () => {
    expect(await keyOf('openai/x')).toBe('sk-of-production')
    expect(await keyOf('openai/x', { environment: 'development' })).toBeUndefined()
    expect(await keyOf('openai/x', { environment: undefined as never })).toBeUndefined()
  })

  it('with the secret that the agent names, before that', async () => {
    expect(await keyOf('openai/x', { api_key: '{{ secrets.OWN }}' })).toBe('sk-of-the-agent')
    await expect(call('openai/x', { api_key: '{{ secrets.NONE }}' })).rejects.toMatchObject({ code: 'secret_missing' })
  })

  it('with its own key where what the agent has as one is no name: a release of before may', async () => {
    expect(await keyOf('openai/x', { api_key: 'sk-written-out' })).toBeUndefined()
  })

  it('on a server that the agent names with a key that the agent names, and never with that of the provider', async () => {
    const base_url = 'https://models.example.com/v1'
    expect(await keyOf('openai/x', { base_url })).toBeUndefined()
    expect(await keyOf('openai/x', { base_url, api_key: '{{ secrets.OWN }}' })).toBe('sk-of-the-agent')
  })

  it('at once where it needs no key', async () => {
    await call('demo/echo')
    expect(looked).toEqual([])
  })

  it.each(['two\nlines-of-it', 'schlüssel-1', 'with space', '\u0000-control'])(
    'never with a key that a header cannot carry (%j)',
    async (key) => {
      values['production/OWN'] = key
      const failure = await call('openai/x', { api_key: '{{ secrets.OWN }}' }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ retryable: false, error: { code: 'model_refused' } })
      expect(String(failure)).not.toContain(key)
      expect(asked).toEqual([])
    },
  )
})
