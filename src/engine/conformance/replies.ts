import type { Reply } from '../../../test/support/engine.ts'
import { ModelFailed, ModelRefused } from '../../errors.ts'
import { ModelCallError } from '../../models/model-call-error.ts'
import type { ModelAnswer, ModelRequest } from '../../models/model.ts'

/** What the model in memory does when it is asked. */

export const fails = (retryAfterMs?: number): never => {
  const error = new ModelFailed({ model: 'fake/model', reason: 'it is busy' })
  throw new ModelCallError(error, { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}

export const refuses = (): never => {
  throw new ModelCallError(new ModelRefused({ model: 'fake/model', reason: 'no', provider_status: 401 }), { retryable: false })
}

export const hangs = (request: ModelRequest): Promise<never> =>
  new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)))

/** Calls these agents. */
export const calling =
  (...names: string[]) =>
  (): Partial<ModelAnswer> => ({
    calls: names.map((name) => ({ id: name, name, arguments: '{"query":"go"}' })),
    finish_reason: 'tool-calls',
  })

/** Replies when the test says so, and does not heed its signal before. */
export function held(reply: Reply): { reply: Reply; go: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { reply: (request) => promise.then(() => reply(request)), go: resolve }
}
