import { afterEach, beforeEach, expect, it } from 'vitest'
import { pino } from 'pino'
import { TestEngine } from '../../test/support/engine.ts'
import { openGate } from '../../test/support/gate.ts'
import { readMetrics, valueOf } from '../../test/support/prometheus-text.ts'
import { guardRoutes } from '../access/hooks.ts'
import { StorageFull } from '../errors.ts'
import { createApp, type App } from '../http/app.ts'
import { Metrics } from './metrics.ts'
import { Readiness } from './readiness.ts'
import { probeStorage } from './repository.ts'
import { registerOperationRoutes } from './routes.ts'

let engine: TestEngine
let app: App
let readiness: Readiness
let metrics: Metrics
let isFull: boolean

beforeEach(async () => {
  engine = await TestEngine.start()
  isFull = false
  readiness = new Readiness(() => (isFull ? Promise.reject(new StorageFull({})) : engine.store.write(probeStorage, 1)))
  metrics = new Metrics({ version: '1.2.3', pendingWrites: () => 4, openStreams: () => 5 })
  app = await createApp({
    logger: pino({ level: 'silent' }),
    allowedHosts: [],
    version: '1.2.3',
    guard: (unguarded) => guardRoutes(unguarded, openGate),
  })
  registerOperationRoutes(app, { readiness, metrics, store: engine.store })
})
afterEach(async () => {
  await app.close()
  await engine.close()
})

it('answers with GET and HEAD, and nobody may keep what it said', async () => {
  for (const url of ['/healthz', '/readyz', '/metrics']) {
    for (const method of ['GET', 'HEAD'] as const) {
      const response = await app.inject({ method, url })
      expect([url, method, response.statusCode, response.headers['cache-control']]).toEqual([url, method, 200, 'no-store'])
      expect(response.body === '').toBe(method === 'HEAD')
    }
  }
  expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' })
  expect((await app.inject('/readyz')).json()).toEqual({ status: 'ready' })
})

it('says with 503 why the server is not ready, and is healthy all the same', async () => {
  const obstacle = async () => {
    expect((await app.inject('/healthz')).statusCode).toBe(200)
    const response = await app.inject('/readyz')
    expect(response.headers['cache-control']).toBe('no-store')
    return [response.statusCode, response.headers['content-type'], response.json().status, response.json().code]
  }
  const problem = (code: string) => [503, 'application/problem+json', 503, code]
  isFull = true
  readiness.noteFullDisk()
  expect(await obstacle()).toEqual(problem('storage_full'))
  isFull = false
  expect((await app.inject('/readyz')).statusCode).toBe(200)
  readiness.noteStopping()
  expect(await obstacle()).toEqual(problem('shutting_down'))
  readiness.noteLostDisk()
  expect(await obstacle()).toEqual(problem('storage_unknown'))
})

it('shows metrics in the text format, with what the database and the process say at that moment', async () => {
  const id = await engine.deploy('support', { agents: [] })
  await engine.admit('support')
  await engine.journal.admit({ ...engine.admission('support'), status: 'queued' })
  const response = await app.inject('/metrics')
  expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const read = readMetrics(response.body)
  const inFlight = (status: string, from = read) =>
    valueOf(from, 'agent_studio_executions_in_flight', { deployment_name: 'support', environment: 'production', status })
  expect(['queued', 'running', 'waiting'].map((status) => inFlight(status))).toEqual([1, 1, 0])
  expect(valueOf(read, 'agent_studio_build_info', { version: '1.2.3', node: process.version })).toBe(1)
  expect(valueOf(read, 'agent_studio_write_queue')).toBe(4)
  expect(valueOf(read, 'agent_studio_open_streams')).toBe(5)
  expect(valueOf(read, 'process_resident_memory_bytes')).toBeGreaterThan(10_000_000)

  const execution = { deployment_id: id, deployment_name: 'support', environment: 'production', created_at: 0 }
  metrics.engine.executionEnded(execution, 'completed', 1)
  metrics.engine.executionEnded({ ...execution, deployment_id: 'deleted', deployment_name: 'deleted' }, 'completed', 1)
  const ended = readMetrics((await app.inject('/metrics')).body).get('agent_studio_executions_ended_total')!
  expect(new Set(ended.samples.map(({ labels }) => labels['deployment_name']))).toEqual(new Set(['support']))
})
