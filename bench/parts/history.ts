import { executeRequest, startAgentStudio } from '../agent-studio.ts'
import { call } from '../call.ts'
import { DEPLOYMENTS, historyOf, type History } from '../history.ts'
import type { Bench } from '../measure.ts'
import { median } from '../median.ts'
import type { Part } from '../part.ts'
import type { ServerProcess } from '../room.ts'
import type { Value } from '../value.ts'

/** A server whose database has grown for months: its start, and the lists of its executions. */
export const longHistory: Part = {
  name: 'a long history',
  measure: async (bench) => {
    const { room, options, say } = bench
    say(`a long history: ${options.executions} executions are made`)
    const history = await historyOf(room, options)
    const starts: Value[][] = []
    for (let round = 0; round < options.rounds; round++) {
      say(`a long history: start ${round + 1} of ${options.rounds}`)
      const { server, values } = await start(bench, history)
      starts.push(values)
      await server.stop()
    }
    const { server } = await start(bench, history)
    const lists = await measureLists(bench, server, history)
    await server.stop()
    return [...starts[0]!.map((value, index) => ({ ...value, value: median(starts.map((values) => values[index]!.value!)) })), ...lists]
  },
}

async function start({ room, options }: Bench, { folder, filled }: History): Promise<{ server: ServerProcess; values: Value[] }> {
  const began = performance.now()
  const server = await startAgentStudio(room, folder)
  await call(server.port, 'GET', '/hc')
  const listening = performance.now() - began
  const last = filled.deployments.at(-1)!
  const { path, body } = executeRequest(last.deployment_name)
  await call(server.port, 'POST', path, body)
  const answered = performance.now() - began
  const what = `start with ${options.executions} executions and ${DEPLOYMENTS} deployments`
  return {
    server,
    values: [
      { what: `${what}, until it listens`, value: listening, unit: 'ms' },
      { what: '… until an execution of one of them is answered', value: answered, unit: 'ms', atMost: 2_000 },
    ],
  }
}

async function measureLists({ load, options, say }: Bench, { port }: ServerProcess, { filled }: History): Promise<Value[]> {
  const [deployment] = filled.deployments
  const lists: Record<string, string> = {
    'all executions': '',
    'a page of 500': '?limit=500',
    'a later page': await laterPage(port),
    'of a deployment': `?deployment_name=${deployment!.deployment_name}`,
    'of a workflow': `?workflow_id=${deployment!.workflow_id}`,
    'that failed': '?status=failed',
    'that failed, of a deployment': `?status=failed&deployment_name=${deployment!.deployment_name}`,
    'that were cancelled': '?status=cancelled',
    'that run': '?status=running',
    'of a session': `?session_id=${filled.session_ids[0]!}`,
    'of a release': '?release=1',
    'of a release, in an environment': '?release=1&environment=development',
    'that completed, of a release, a page of 500': '?release=1&status=completed&limit=500',
    'of the first day': `?to=${new Date(Date.now() - 29 * 86_400_000).toISOString()}`,
  }
  const values: Value[] = []
  for (const [name, query] of Object.entries(lists)) {
    say(`a long history: list ${name}`)
    const result = await load.run(port, { path: `/api/executions${query}` }, { connections: 1, seconds: options.seconds })
    const failed = Object.keys(result.errors).length > 0
    values.push({ what: `list ${name}, p99`, value: failed ? undefined : result.p99Ms, unit: 'ms', atMost: 20 })
  }
  return values
}

async function laterPage(port: number): Promise<string> {
  let query = '?limit=500'
  for (let page = 0; page < 5; page++) {
    const response = await fetch(`http://127.0.0.1:${port}/api/executions${query}`)
    await response.arrayBuffer()
    query = new URL(/<([^>]+)>/.exec(response.headers.get('link')!)![1]!, response.url).search
  }
  return query
}
