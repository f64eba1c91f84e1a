import { afterAll, beforeAll } from 'vitest'
import { startScriptedModel, type RecordedRequest, type Reply, type ScriptedModel } from './scripted-model.ts'
import { fresh } from './studio.ts'

/** Scripted models, each under a name of its own, so that tests may run at the same time. */
export interface ScriptedModels {
  /** What the server must be started with. */
  env(): Record<string, string>
  /** @param reply to the first, second… request. @returns the model's name, as an agent's config has it */
  model(reply: (request: number) => Reply | Promise<Reply>): string
  /** A model that answers when it is told to, so that a test knows what is in flight. */
  held(): HeldModel
  /** The requests for a model, and when each came. */
  requests(model: string): (RecordedRequest & { at: number })[]
}

export interface HeldModel {
  model: string
  /** Lets go of all requests, those to come included. */
  answer(text: string): void
}

export function useScriptedModels(): ScriptedModels {
  let provider: ScriptedModel | undefined
  const replies = new Map<string, (request: number) => Reply | Promise<Reply>>()
  const asked = new Map<string, (RecordedRequest & { at: number })[]>()
  beforeAll(async () => {
    provider = await startScriptedModel()
    provider.always((body, request) => {
      const model = `openai/${body.model}`
      const before = asked.get(model)!
      before.push(Object.assign(request, { at: performance.now() }))
      return replies.get(model)!(before.length)
    })
  })
  afterAll(() => provider?.close())
  const studioModels: ScriptedModels = {
    env: () => ({ OPENAI_BASE_URL: provider!.baseUrl }),
    model: (reply) => {
      const model = `openai/${fresh('model')}`
      replies.set(model, reply)
      asked.set(model, [])
      return model
    },
    held: () => {
      const { promise, resolve } = Promise.withResolvers<Reply>()
      return { model: studioModels.model(() => promise), answer: (text) => resolve({ text }) }
    },
    requests: (model) => asked.get(model)!,
  }
  return studioModels
}
