import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, until } from './support/api.ts'
import { startScriptedModel, type RecordedRequest, type ScriptedModel } from './support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { deployAgents } from './support/workflows.ts'

/** What must survive of conversations and of drafts, when a real process is killed. */

let folder: string
let server: TestServer
let model: ScriptedModel

beforeEach(async () => {
  folder = temporaryFolder()
  model = await startScriptedModel()
  await start()
})
afterEach(async () => {
  await server.kill()
  await model.close()
  removeFolder(folder)
})

async function start(): Promise<void> {
  server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'error' })
}

const agent = { agent_id: 'a', config: { model: 'gpt-4o' } }
const get = async (path: string) => (await call(server.url, 'GET', path)).body
const ended = (id: string) =>
  until(async () => {
    const execution = await get(`/api/executions/${id}`)
    return execution.ended_at !== null && execution
  }, `execution ${id} to end`)
const said = ({ body }: RecordedRequest): unknown[] => body.messages!.map(({ content }) => content)

describe('after kill -9', () => {
  it('a session of six goes on in its order: none is lost, and no turn is missing or there twice', async () => {
    const deployment_name = await deployAgents(server, [agent])
    // The first two calls are answered, then one hangs until the process is killed, and so on.
    let calls = 0
    model.always((body) => (++calls % 3 === 0 ? { hang: true } : { text: `to ${String(body.messages!.at(-1)!.content)}` }))
    const queries = ['1', '2', '3', '4', '5', '6']
    const ids: string[] = []
    for (const query of queries) {
      const { body } = await call(server.url, 'POST', '/api/workflows/execute/async', { deployment_name, query, session_id: 's' })
      ids.push(body.execution_id)
    }
    for (const hanging of [3, 6]) {
      await until(async () => model.requests.length === hanging, 'a call that hangs')
      const states = await Promise.all(ids.map(async (id) => (await get(`/api/executions/${id}`)).status))
      const at = (hanging / 3) * 2
      expect(states).toEqual(queries.map((_, index) => (index < at ? 'completed' : index === at ? 'running' : 'queued')))
      await server.kill()
      await start()
    }
    const executions = []
    for (const id of ids) executions.push(await ended(id))
    expect(executions.map(({ status, response }) => [status, response])).toEqual(queries.map((query) => ['completed', `to ${query}`]))
    const turns = queries.flatMap((query) => [query, `to ${query}`])
    expect(executions.map(({ chat_history }) => chat_history.map(({ content }: { content: string }) => content))).toEqual(
      queries.map((_, index) => turns.slice(0, 2 * index)),
    )
    // The calls that were killed, and the same ones again.
    expect(model.requests.map(said)).toEqual([1, 2, 3, 3, 4, 5, 5, 6].map((one) => turns.slice(0, 2 * one - 1)))
    expect(await get(`/api/workflows/deployments/${deployment_name}`)).toMatchObject({ execution_count: 6, error_count: 0 })
  })

  it('a draft goes on with what it began with, and is still a test', async () => {
    const configuration = {
      agents: [agent, { agent_id: 'b', config: { model: 'gpt-4o' } }],
      connections: [{ source_agent_id: 'a', target_agent_id: 'b', connection_type: 'default' }],
    }
    const { workflow_id } = (await call(server.url, 'POST', '/api/workflows', { name: 'draft', configuration })).body
    model.script({ toolCalls: [{ name: 'b', arguments: '{"query":"go"}' }] }, { hang: true })
    const { execution_id } = (await call(server.url, 'POST', `/api/workflows/${workflow_id}/execute/async`, { query: 'x' })).body
    await until(async () => model.requests.length === 2, 'the second call')
    await call(server.url, 'DELETE', `/api/workflows/${workflow_id}`)
    await server.kill()
    model.script({ text: 'from b' }, { text: 'whole' })
    await start()
    expect(await ended(execution_id)).toMatchObject({
      status: 'completed',
      response: 'whole',
      test: true,
      recoveries: 1,
      deployment_id: '',
    })
    expect(model.requests).toHaveLength(4)
    expect(await get(`/api/executions?test=true`)).toMatchObject([{ execution_id }])
  })
})
