import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { until, type Answer } from '../support/api.ts'
import type { RequestBody, Reply } from '../support/scripted-model.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { fresh, useStudio, type TestStudio } from '../support/studio.ts'
import { useOutside, type OutsideWorld } from './outside.ts'

/** What a scripted model makes of a request. */
export type Think = (request: {
  system: string
  /** What was asked now, and with it what was asked before. */
  text: string
  said: string[]
  tools: string[]
  results: string[]
}) => Reply | Promise<Reply>

/** An example on a server whose default model is a scripted one, beside the shop that it talks to. */
export interface Example {
  readonly studio: TestStudio
  readonly outside: OutsideWorld
  /** What the model does from now on. */
  think: Think
  /** How often the model was asked so far. */
  readonly asked: number
  /** Imports the workflow and deploys it under a name of its own. @param change of the text of its JSON */
  deploy(change?: (json: string) => string, fields?: object): Promise<string>
  start(deployment_name: string, query: string, fields?: object): Promise<string>
  ended(executionId: string): Promise<Answer['body']>
  /** Waits until the execution waits for somebody. */
  waits(executionId: string): Promise<Answer['body']>
  /** Ids of its steps with their state and how often each was tried. */
  steps(executionId: string): Promise<[id: string, status: string, attempts: number][]>
}

export function workflowOf(example: string): string {
  return readFileSync(join(import.meta.dirname, '../../examples', example, 'workflow.json'), 'utf8')
}

export function useExample(name: string): Example {
  const folder = temporaryFolder()
  afterAll(() => removeFolder(folder))
  const keyFile = writeKeyFile(folder)
  const outside = useOutside()
  const models = useScriptedModels()
  let think: Think = () => ({ text: 'nothing' })
  const model: string = models.model(() => think(read(models.requests(model).at(-1)!.body)))
  const studio = useStudio(() => ({
    ...models.env(),
    AGENT_STUDIO_DEFAULT_MODEL: model,
    AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1',
    AGENT_STUDIO_SECRET_KEY_FILE: keyFile,
  }))
  beforeAll(async () => {
    await studio.call('PUT', '/api/variables/production/SHOP_URL', { value: outside.url })
  })
  const execution = async (id: string): Promise<Answer['body']> => (await studio.call('GET', `/api/executions/${id}`)).body
  return {
    studio,
    outside,
    set think(next: Think) {
      think = next
    },
    get asked() {
      return models.requests(model).length
    },
    deploy: async (change = (json) => json, fields = {}) => {
      const json = JSON.parse(change(workflowOf(name)).replaceAll('http://127.0.0.1:8100', outside.url)) as object
      const deployment_name = fresh(name)
      const made = await studio.call('POST', '/api/workflows', { ...json, name: deployment_name })
      await studio.deploy(made.body.workflow_id, deployment_name, fields)
      return deployment_name
    },
    start: async (deployment_name, query, fields = {}) => {
      const { body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name, query, ...fields })
      return body.execution_id
    },
    ended: (id) =>
      until(async () => {
        const found = await execution(id)
        return found.ended_at !== null && found
      }, `execution ${id} to end`),
    waits: (id) =>
      until(
        async () => {
          const found = await execution(id)
          if (found.ended_at !== null) throw new Error(`it has ended: ${JSON.stringify(found)}`)
          return found.status === 'waiting' && found
        },
        `execution ${id} to wait`,
        25_000,
      ),
    steps: async (id) => {
      const { body } = await studio.call('GET', `/api/executions/${id}/steps`)
      return body.map((step: { step_id: string; status: string; attempts: unknown[] }) => [step.step_id, step.status, step.attempts.length])
    },
  }
}

function read({ messages = [], tools = [] }: RequestBody & { tools?: unknown }): Parameters<Think>[0] {
  const of = (role: string): string[] =>
    messages
      .filter((message) => message.role === role)
      .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)))
  return {
    system: of('system').join('\n'),
    text: of('user').at(-1) ?? '',
    said: of('user'),
    tools: (tools as { function: { name: string } }[]).map((tool) => tool.function.name),
    results: of('tool'),
  }
}
