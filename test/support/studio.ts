import { afterAll, beforeAll } from 'vitest'
import { call, readEvents, type Answer, type StreamedEvent } from './api.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './server.ts'

/** A real server for one test file, in a folder of its own, and the few calls that most tests begin with. */
export interface TestStudio {
  readonly url: string
  /** Where it runs; its data folder is `.agent-studio` in there. */
  readonly folder: string
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Creates a workflow under a name of its own, with one agent on `demo/echo` where nothing else is said. @returns its id */
  workflow(configuration?: unknown, fields?: object): Promise<string>
  /** @returns the deployment as the answer shows it; anything but 200 is an error */
  deploy(workflowId: string, deployment_name: string, fields?: object): Promise<Answer['body']>
  /** A workflow of its own, deployed. @returns the deployment */
  deployed(deployment_name: string, configuration?: unknown, fields?: object): Promise<Answer['body']>
  execute(body: object): Promise<Answer>
  /** Starts an execution and resolves when it is admitted; the stream goes on. */
  stream(body: object): Promise<Response>
  /** Kills the server without a warning and starts it again on the same data. */
  crash(): Promise<void>
  /** Starts an execution that goes on until it is told otherwise, or its timeout. */
  startLong(deployment_name: string): Promise<LongExecution>
}

export interface LongExecution {
  execution_id: string
  /** Everything that its stream brings until it ends. */
  events: Promise<StreamedEvent[]>
}

let names = 0

/** A name that no other test has. */
export function fresh(prefix: string): string {
  return `${prefix}-${++names}`
}

/** One agent that answers with the query. */
export const echo = agents({ agent_id: 'echo', config: { model: 'demo/echo' } })

/** One agent whose answer takes longer than any test. */
export const slow = agents({ agent_id: 'slow', config: { model: 'demo/assistant', system_prompt: 'You take 600 seconds.' } })

export function agents(...nodes: object[]): Record<string, unknown> {
  return { agents: nodes, connections: [] }
}

/** @param env what the server is started with; asked when it starts, so that it may depend on an earlier `beforeAll` */
export function useStudio(env: () => Record<string, string> = () => ({})): TestStudio {
  const folder = temporaryFolder()
  let server: TestServer | undefined
  const start = async (): Promise<void> => {
    server = await startServer(folder, { LOG_LEVEL: 'error', ...env() })
  }
  beforeAll(start)
  afterAll(async () => {
    // Killed, since a stop would wait for the executions that a test left running.
    await server?.kill()
    removeFolder(folder)
  })

  const studio: TestStudio = {
    folder,
    get url() {
      return server!.url
    },
    call: (method, path, body, headers) => call(studio.url, method, path, body, headers),
    workflow: async (configuration = echo, fields = {}) => {
      const made = await studio.call('POST', '/api/workflows', { name: fresh('workflow'), configuration, ...fields })
      return wanted(made).workflow_id
    },
    deploy: async (workflowId, deployment_name, fields = {}) =>
      wanted(await studio.call('POST', `/api/workflows/${workflowId}/deploy`, { deployment_name, ...fields })),
    deployed: async (deployment_name, configuration, fields) =>
      studio.deploy(await studio.workflow(configuration), deployment_name, fields),
    execute: (body) => studio.call('POST', '/api/workflows/execute', body),
    stream: (body) =>
      fetch(`${studio.url}/api/workflows/execute/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    crash: async () => {
      await server!.kill()
      await start()
    },
    startLong: async (deployment_name) => {
      const response = await studio.stream({ deployment_name, query: 'take 600 seconds' })
      return new Promise((resolve, reject) => {
        const events = readEvents(response, ({ data }) => {
          resolve({ execution_id: data.execution_id, events })
          return false
        })
        events.then(() => reject(new Error('the stream ended without an event')), reject)
      })
    },
  }
  return studio
}

function wanted(answer: Answer): Answer['body'] {
  if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}
