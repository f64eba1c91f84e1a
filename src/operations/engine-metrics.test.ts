import { expect, it } from 'vitest'
import { readMetrics, valueOf, type ReadMetric } from '../../test/support/prometheus-text.ts'
import { DeploymentSeries, type InFlight } from './deployment-series.ts'
import { EngineMetrics } from './engine-metrics.ts'
import { toTextFormat } from './text-format.ts'

function metricsOf(limit?: number) {
  const series = new DeploymentSeries(limit)
  const engine = new EngineMetrics(series)
  return { series, engine, read: () => readMetrics(toTextFormat(engine.metrics)) }
}

const execution = (deployment_id: string, environment = 'production') => ({
  deployment_id,
  deployment_name: deployment_id.replace(/ .*/, ''),
  environment,
  created_at: 1_000,
})

const ended = (metrics: Map<string, ReadMetric>, deployment_name: string, status = 'completed', environment = 'production') =>
  valueOf(metrics, 'agent_studio_executions_ended_total', { deployment_name, environment, status })

it('counts executions by deployment, environment and final status, and shows a zero for those that there were none of', () => {
  const { engine, read } = metricsOf()
  engine.executionEnded(execution('a'), 'completed', 1_300)
  engine.executionEnded(execution('a'), 'completed', 3_000)
  engine.executionEnded(execution('a', 'production'), 'failed', 3_000)
  engine.executionEnded(execution('a (staging)', 'staging'), 'cancelled', 3_000)
  const metrics = read()
  expect(['completed', 'failed', 'cancelled'].map((status) => ended(metrics, 'a', status))).toEqual([2, 1, 0])
  expect(ended(metrics, 'a', 'cancelled', 'staging')).toBe(1)
  const seconds = { environment: 'production', status: 'completed' }
  expect(valueOf(metrics, 'agent_studio_execution_duration_seconds_count', seconds)).toBe(2)
  expect(valueOf(metrics, 'agent_studio_execution_duration_seconds_sum', seconds)).toBeCloseTo(2.3)
})

it('counts steps, retries and tokens', () => {
  const { engine, read } = metricsOf()
  engine.stepEnded({ kind: 'model', status: 'completed', durationMs: 250, provider: 'openai', tokens: { input: 7, output: 2 } })
  engine.stepEnded({ kind: 'model', status: 'completed', durationMs: 250, provider: 'openai', tokens: { input: 1, output: 1 } })
  engine.stepEnded({ kind: 'model', status: 'failed', durationMs: 50, provider: 'openai' })
  engine.stepEnded({ kind: 'agent', status: 'completed', durationMs: 500 })
  engine.stepRetried('model')
  const metrics = read()
  expect(valueOf(metrics, 'agent_studio_step_duration_seconds_sum', { kind: 'model', status: 'completed' })).toBeCloseTo(0.5)
  expect(valueOf(metrics, 'agent_studio_step_duration_seconds_count', { kind: 'model', status: 'failed' })).toBe(1)
  expect(valueOf(metrics, 'agent_studio_step_duration_seconds_count', { kind: 'agent', status: 'completed' })).toBe(1)
  expect(valueOf(metrics, 'agent_studio_step_retries_total', { kind: 'model' })).toBe(1)
  const tokens = metrics.get('agent_studio_tokens_total')!.samples
  expect(tokens.map(({ labels, value }) => [labels['provider'], labels['direction'], value])).toEqual([
    ['openai', 'input', 8],
    ['openai', 'output', 3],
  ])
})

it('takes no harm from a clock that was set back', () => {
  const { engine, read } = metricsOf()
  engine.executionEnded(execution('a'), 'completed', 0)
  engine.stepEnded({ kind: 'model', status: 'completed', durationMs: -5 })
  expect(valueOf(read(), 'agent_studio_execution_duration_seconds_sum', { environment: 'production', status: 'completed' })).toBe(0)
})

it('shows so many deployments by name, and all others of an environment together', () => {
  const { engine, read } = metricsOf(2)
  for (const id of ['a', 'b', 'c', 'd']) engine.executionEnded(execution(id), 'completed', 1_000)
  engine.executionEnded(execution('e', 'staging'), 'failed', 1_000)
  engine.executionEnded(execution('b'), 'completed', 1_000)
  const metrics = read()
  expect(['a', 'b', 'c', 'd'].map((name) => ended(metrics, name))).toEqual([1, 2, undefined, undefined])
  expect(ended(metrics, '(other)')).toBe(2)
  expect(ended(metrics, '(other)', 'failed', 'staging')).toBe(1)
})

it('forgets a deployment that is gone, whose place another takes; a new one of its name begins at zero', () => {
  const { series, engine, read } = metricsOf(1)
  engine.executionEnded(execution('a 1'), 'completed', 1_000)
  expect(series.ids).toEqual(['a 1'])
  series.forget(['a 1'])
  expect(ended(read(), 'a')).toBeUndefined()
  engine.executionEnded(execution('a 2'), 'failed', 1_000)
  const metrics = read()
  expect([ended(metrics, 'a'), ended(metrics, 'a', 'failed')]).toEqual([0, 1])
})

it('shows what is in flight at the last look, also of deployments beyond the limit', () => {
  const { series, engine, read } = metricsOf(1)
  engine.executionEnded(execution('a'), 'completed', 1_000)
  const inFlight = (deployment_id: string, status: InFlight['status'], count: number): InFlight => ({
    deployment_id,
    deployment_name: deployment_id,
    environment: 'production',
    status,
    count,
  })
  series.showInFlight([inFlight('a', 'running', 2), inFlight('b', 'running', 3), inFlight('c', 'running', 4), inFlight('c', 'queued', 1)])
  const shown = (deployment_name: string, status: string) =>
    valueOf(read(), 'agent_studio_executions_in_flight', { deployment_name, environment: 'production', status })
  expect([shown('a', 'running'), shown('a', 'queued'), shown('(other)', 'running'), shown('(other)', 'queued')]).toEqual([2, 0, 7, 1])
  series.showInFlight([])
  expect(shown('a', 'running')).toBe(0)
})

it('costs no more for an execution than a few microseconds', () => {
  const { engine } = metricsOf()
  const deployments = Array.from({ length: 500 }, (_, index) => execution(String(index)))
  const round = (): number => {
    const begin = process.cpuUsage()
    for (let index = 0; index < 20_000; index++) {
      engine.executionEnded(deployments[index % 500]!, 'completed', 1_010)
      for (let step = 0; step < 3; step++) {
        engine.stepEnded({ kind: 'model', status: 'completed', durationMs: 3, provider: 'openai', tokens: { input: 1, output: 1 } })
      }
    }
    const { user } = process.cpuUsage(begin)
    return user / 20_000
  }
  round()
  // Measured 1 µs on a quiet machine; by CPU time, since the machine may be busy with something else.
  expect(Math.min(round(), round(), round())).toBeLessThan(10)
})
