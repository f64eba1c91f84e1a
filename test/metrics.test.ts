import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { Metrics } from '../src/operations/metrics.ts'
import { readEvents, until } from './support/api.ts'
import { readMetrics, valueOf, type ReadMetric } from './support/prometheus-text.ts'
import { agents, echo, fresh, useStudio } from './support/studio.ts'

/** What `/metrics` says of a real server, after executions that end in every way. */

const studio = useStudio()
const assistant = agents({ agent_id: 'a', config: { model: 'demo/assistant' } })

async function scrape(): Promise<Map<string, ReadMetric>> {
  const response = await fetch(`${studio.url}/metrics`)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return readMetrics(await response.text())
}

/** How much a series has grown; what was not there before began at zero. */
type Growth = (name: string, labels?: Record<string, string>) => number

async function growthDuring(work: () => Promise<void>): Promise<Growth> {
  const before = await scrape()
  await work()
  const after = await scrape()
  return (name, labels) => (valueOf(after, name, labels) ?? 0) - (valueOf(before, name, labels) ?? 0)
}

const ended = (growth: Growth, deployment_name: string, environment = 'production') =>
  ['completed', 'failed', 'cancelled'].map((status) =>
    growth('agent_studio_executions_ended_total', { deployment_name, environment, status }),
  )

describe('executions', () => {
  const name = fresh('metered')
  beforeAll(() => studio.deployed(name, assistant))
  const run = (query: string) => studio.execute({ deployment_name: name, query })
  const cancelled = async () => {
    const { execution_id, events } = await studio.startLong(name)
    expect((await studio.call('POST', `/api/executions/${execution_id}/cancel`)).status).toBe(200)
    await events
    return execution_id
  }

  it('are counted as they end, with their steps, retries, tokens and times', async () => {
    const ids: string[] = []
    const began = performance.now()
    const growth = await growthDuring(async () => {
      ids.push((await run('say it')).body.execution_id)
      ids.push((await run('fail once')).body.execution_id)
      expect((await run('fail for good')).status).toBe(502)
      const events = await readEvents(await studio.stream({ deployment_name: name, query: 'say it in pieces' }))
      ids.push(events[0]!.data.execution_id)
      await cancelled()
    })
    const seconds = (performance.now() - began) / 1_000

    expect(ended(growth, name)).toEqual([3, 1, 1])
    const steps = (status: string) => growth('agent_studio_step_duration_seconds_count', { kind: 'model', status })
    expect(['completed', 'failed', 'cancelled'].map(steps)).toEqual([3, 1, 1])
    expect(growth('agent_studio_step_retries_total', { kind: 'model' })).toBe(1)

    const used = await Promise.all(ids.map(async (id) => (await studio.call('GET', `/api/executions/${id}`)).body.tokens))
    const tokens = (direction: 'input' | 'output') => growth('agent_studio_tokens_total', { provider: 'demo', direction })
    for (const direction of ['input', 'output'] as const) {
      expect(tokens(direction)).toBe(used.reduce((sum, each) => sum + each[direction], 0))
      expect(tokens(direction)).toBeGreaterThan(0)
    }

    const took = (part: string, status: string) =>
      growth(`agent_studio_execution_duration_seconds_${part}`, { environment: 'production', status })
    expect(['completed', 'failed', 'cancelled'].map((status) => took('count', status))).toEqual([3, 1, 1])
    expect(took('sum', 'completed')).toBeGreaterThan(0.1)
    expect(took('sum', 'completed') + took('sum', 'cancelled')).toBeLessThan(seconds)
  })

  it('and their streams are shown while they run, and no longer', async () => {
    const inFlight = async (status: string) =>
      valueOf(await scrape(), 'agent_studio_executions_in_flight', { deployment_name: name, environment: 'production', status })
    const { execution_id, events } = await studio.startLong(name)
    expect(await Promise.all(['queued', 'running', 'waiting'].map(inFlight))).toEqual([0, 1, 0])
    expect(valueOf(await scrape(), 'agent_studio_open_streams')).toBe(1)
    await studio.call('POST', `/api/executions/${execution_id}/cancel`)
    await events
    expect(await inFlight('running')).toBe(0)
    await until(async () => valueOf(await scrape(), 'agent_studio_open_streams') === 0, 'the stream to be gone')
  })

  it('of a deleted deployment are forgotten, and one that takes its name begins at zero', async () => {
    const short = fresh('short-lived')
    await studio.deployed(short, echo)
    await studio.execute({ deployment_name: short, query: 'x' })
    const shown = async () =>
      valueOf(await scrape(), 'agent_studio_executions_ended_total', {
        deployment_name: short,
        environment: 'production',
        status: 'completed',
      })
    expect(await shown()).toBe(1)
    await studio.call('DELETE', `/api/workflows/deployments/${short}`)
    expect(await shown()).toBeUndefined()
    await studio.deployed(short, echo)
    await studio.execute({ deployment_name: short, query: 'x' })
    expect(await shown()).toBe(1)
  })
})

describe('the server', () => {
  it('counts requests by route, whatever is in their addresses', async () => {
    const growth = await growthDuring(async () => {
      for (const id of ['one', 'two', 'three']) await studio.call('GET', `/api/executions/${id}`)
      await studio.call('GET', `/nowhere/${fresh('path')}`)
      await studio.call('DELETE', '/hc')
    })
    const requests = (method: string, route: string, status: string) =>
      growth('agent_studio_http_requests_total', { method, route, status })
    expect(requests('GET', '/api/executions/:execution_id', '404')).toBe(3)
    expect([requests('GET', 'none', '404'), requests('DELETE', 'none', '405')]).toEqual([1, 1])
    const route = { method: 'GET', route: '/api/executions/:execution_id' }
    expect(growth('agent_studio_http_request_duration_seconds_count', route)).toBe(3)
    expect(growth('agent_studio_http_request_duration_seconds_sum', route)).toBeGreaterThan(0)
  })

  it('measures its commits: how long, how many writes in each, and how long those waited', async () => {
    const growth = await growthDuring(async () => {
      for (let index = 0; index < 5; index++) await studio.workflow()
    })
    const commits = growth('agent_studio_commit_duration_seconds_count')
    expect(commits).toBeGreaterThanOrEqual(5)
    expect(growth('agent_studio_commit_writes_count')).toBe(commits)
    const writes = growth('agent_studio_commit_writes_sum')
    expect(writes).toBeGreaterThanOrEqual(commits)
    expect(growth('agent_studio_write_wait_seconds_count')).toBe(writes)
    expect(growth('agent_studio_commit_duration_seconds_sum')).toBeGreaterThan(0)
    // What earlier tests deleted is still being purged.
    await until(async () => valueOf(await scrape(), 'agent_studio_write_queue') === 0, 'nothing to be left to write')
  })

  it('shows the process', async () => {
    const metrics = await scrape()
    expect(valueOf(metrics, 'process_start_time_seconds')).toBeGreaterThan(Date.now() / 1_000 - 600)
    expect(valueOf(metrics, 'process_cpu_seconds_total')).toBeGreaterThan(0.05)
    expect(valueOf(metrics, 'nodejs_heap_size_used_bytes')).toBeGreaterThan(1_000_000)
    expect(valueOf(metrics, 'agent_studio_event_loop_delay_seconds_count')).toBeGreaterThan(1)
  })
})

it('docs/operations.md lists exactly the metrics that there are, with their types and labels', async () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/operations.md'), 'utf8')
  const listed = [...page.matchAll(/^\| `([a-z_]+)` \| (\w+) \|(.*?)\| .+ \|$/gm)].map(([, name, type, labels]) => ({
    name,
    type,
    labels: [...labels!.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]),
  }))
  const { all } = new Metrics({ version: '', pendingWrites: () => 0, openStreams: () => 0 })
  expect(listed).toEqual(all.map(({ name, type, labels }) => ({ name, type, labels })))

  const shown = await scrape()
  expect([...shown].map(([name, { type }]) => [name, type])).toEqual(all.map(({ name, type }) => [name, type]))
  for (const { name, labels } of all) {
    for (const sample of shown.get(name)!.samples)
      expect([name, Object.keys(sample.labels).filter((one) => one !== 'le')]).toEqual([name, labels])
  }
})
