import { ModelRefused } from '../errors.ts'
import { ModelCallError } from '../models/model-call-error.ts'
import type { ModelAnswer, ModelRequest, Models } from '../models/model.ts'
import { soleName } from './references.ts'
import type { Secrets } from './secrets.ts'

/**
 * The models, called with the keys that environments have as secrets: the one that the agent names, or else the one that is
 * called like the provider's environment variable. It comes before that variable.
 */
export function keyedModels(models: Models, secrets: Secrets): Models {
  return {
    default: models.default,
    resolve: (name) => models.resolve(name),
    call: (request) => {
      const { environment, api_key, base_url } = request
      // The provider's key is for the provider, and not for a server that the agent names.
      const ofProvider = base_url === undefined ? models.resolve(request.model)?.keyName : undefined
      const name = api_key === undefined ? ofProvider : soleName(api_key)
      // A demo model, for example: nothing to wait for.
      if (environment === undefined || name === undefined) return models.call(request)
      return callWith(models, request, () => (api_key === undefined ? secrets.find(environment, name) : secrets.resolve(environment, name)))
    },
  }
}

async function callWith(models: Models, request: ModelRequest, find: () => Promise<string | undefined>): Promise<ModelAnswer> {
  const key = (await find())?.trim()
  if (key === undefined) return models.call(request)
  if (!/^[\x21-\x7e]+$/.test(key)) {
    const reason = 'The secret that is its key has characters that a header cannot carry.'
    throw new ModelCallError(new ModelRefused({ model: request.model, reason }), { retryable: false })
  }
  return models.call({ ...request, key })
}
