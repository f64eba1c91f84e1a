// node bench/lists.ts [--executions 1000000] [--deployments 50] [--calls 200]: how long the lists of executions take, over HTTP,
// with a long history: statuses that are rare and frequent, sessions, pages far back, and while a deleted deployment is purged.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startAgentStudio } from './agent-studio.ts'
import { fillExecutions, type Filled } from './fill.ts'
import { Room } from './room.ts'

const { values: options } = parseArgs({
  options: {
    executions: { type: 'string', default: '1000000' },
    deployments: { type: 'string', default: '50' },
    calls: { type: 'string', default: '200' },
  },
})
const executions = Number(options.executions)

interface History {
  /** Most completed. */
  common: Filled
  /** Most failed or were cancelled, so that here those that completed are rare. */
  broken: Filled
  /** Of the history that is deleted. */
  doomed: Filled
}

function fill(file: string): History {
  const deployments = Number(options.deployments)
  return {
    common: fillExecutions(file, { executions: 0.7 * executions, deployments, failed: 0.0005, cancelled: 0.0002 }),
    broken: fillExecutions(file, {
      executions: 0.1 * executions,
      deployments: 1,
      prefix: 'broken',
      failed: 0.7,
      cancelled: 0.2999,
      days: 60,
    }),
    doomed: fillExecutions(file, { executions: 0.2 * executions, deployments: 1, prefix: 'doomed', environment: 'development', days: 1 }),
  }
}

function queriesOf({ common, broken }: History): string[] {
  const { deployment_name: name, workflow_id } = common.deployments.at(-1)!
  const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString()
  const statuses = ['completed', 'failed', 'cancelled', 'running', 'queued', 'waiting'].map((status) => `status=${status}`)
  const others = [
    '',
    `deployment_name=${name}`,
    `deployment_name=broken-1`,
    `deployment_name=${name}&release=1`,
    'environment=production',
    'environment=development',
    `workflow_id=${workflow_id}`,
    `session_id=${common.session_ids[3]}`,
    `session_id=${broken.session_ids[3]}&deployment_name=broken-1`,
    'release=1',
    `from=${day(20)}&to=${day(19)}`,
    `from=${day(50)}&to=${day(49)}&environment=production`,
  ]
  return others.flatMap((other) => [other, ...statuses.map((status) => [other, status].filter(Boolean).join('&'))])
}

/** The cursor of a page in the middle of all. */
async function farBack(url: string): Promise<string> {
  const response = await fetch(`${url}/api/executions?limit=1&to=${new Date(Date.now() - 15 * 86_400_000).toISOString()}`)
  const next = new URL(/<([^>]+)>/.exec(response.headers.get('link') ?? '')![1]!, url)
  return `cursor=${next.searchParams.get('cursor')!}`
}

async function measure(url: string, what: string, query: string): Promise<{ what: string; rows: number; p50: number; p99: number }> {
  const times: number[] = []
  let rows = 0
  for (let call = 0; call < Number(options.calls); call++) {
    const began = performance.now()
    const response = await fetch(`${url}/api/executions?${query}`)
    const list = (await response.json()) as unknown[]
    times.push(performance.now() - began)
    if (response.status !== 200) throw new Error(`${query}: ${response.status}`)
    rows = list.length
  }
  times.sort((a, b) => a - b)
  return { what, rows, p50: times[Math.floor(times.length / 2)]!, p99: times[Math.floor(times.length * 0.99)]! }
}

const room = new Room()
try {
  const folder = room.makeFolder()
  await (await startAgentStudio(room, folder)).stop()
  console.error(`${executions} executions are made`)
  const history = fill(join(folder, '.agent-studio', 'agent-studio.db'))
  const { port } = await startAgentStudio(room, folder)
  const url = `http://127.0.0.1:${port}`
  const queries = queriesOf(history)
  const back = await farBack(url)
  const lists = [
    ...queries.map((query) => ({ what: query || 'all', query })),
    ...queries.slice(0, 14).map((query) => ({ what: `far back: ${query || 'all'}`, query: [query, back].filter(Boolean).join('&') })),
  ]
  const measured = []
  for (const { what, query } of lists) measured.push(await measure(url, what, query))
  const began = performance.now()
  await fetch(`${url}/api/workflows/deployments/doomed-1`, { method: 'DELETE' })
  const deleted = performance.now() - began
  for (const query of queries.slice(0, 7)) measured.push(await measure(url, `during a purge: ${query || 'all'}`, query))

  for (const { what, rows, p50, p99 } of measured) {
    console.log(`${p50.toFixed(1).padStart(7)} ms p50 ${p99.toFixed(1).padStart(7)} ms p99 ${String(rows).padStart(4)} rows  ${what}`)
  }
  console.log(`the slowest p99: ${Math.max(...measured.map(({ p99 }) => p99)).toFixed(1)} ms`)
  console.log(`a deployment with ${0.2 * executions} executions was deleted in ${deleted.toFixed(1)} ms`)
} finally {
  await room.close()
}
