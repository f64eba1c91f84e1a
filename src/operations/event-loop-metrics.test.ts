import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { readMetrics, valueOf } from '../../test/support/prometheus-text.ts'
import { EventLoopMetrics } from './event-loop-metrics.ts'
import { toTextFormat } from './text-format.ts'

it('shows a time in which the event loop did something else, and counts it once however often it is asked', async () => {
  const loop = new EventLoopMetrics()
  const read = () => readMetrics(toTextFormat(loop.metrics))
  const slow = () => {
    const metrics = read()
    const count = valueOf(metrics, 'agent_studio_event_loop_delay_seconds_count')!
    return count - valueOf(metrics, 'agent_studio_event_loop_delay_seconds_bucket', { le: '0.25' })!
  }
  const busy = () => valueOf(read(), 'agent_studio_event_loop_busy_seconds_total')!
  await delay(100)
  const before = { slow: slow(), busy: busy() }
  const blockedUntil = performance.now() + 400
  while (performance.now() < blockedUntil);
  await delay(50)
  const after = slow()
  expect(after).toBeGreaterThan(before.slow)
  expect(slow()).toBe(after)
  expect(busy() - before.busy).toBeGreaterThan(0.35)
  expect(valueOf(read(), 'agent_studio_event_loop_delay_seconds_sum')).toBeGreaterThan(0.35)
})
