import { expect, it } from 'vitest'
import { readMetrics, valueOf } from '../../test/support/prometheus-text.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import type { Metric } from './metric.ts'
import { toTextFormat } from './text-format.ts'

it('writes a counter for each combination of labels, and one without labels from the start', () => {
  const labelled = new Counter('test_things_total', 'Things.', ['kind', 'status'])
  labelled.add(1, 'a', 'ok')
  labelled.add(2, 'a', 'ok')
  labelled.add(0.5, 'b', 'ok')
  const plain = new Counter('test_others_total', 'Others.')
  expect(toTextFormat([labelled, plain])).toBe(
    [
      '# HELP test_things_total Things.',
      '# TYPE test_things_total counter',
      'test_things_total{kind="a",status="ok"} 3',
      'test_things_total{kind="b",status="ok"} 0.5',
      '# HELP test_others_total Others.',
      '# TYPE test_others_total counter',
      'test_others_total 0',
      '',
    ].join('\n'),
  )
})

it('escapes what a label or a help may not hold', () => {
  const value = 'back\\slash "quotes"\nline, {braces} ünïcode'
  const counter = new Counter('test_things_total', 'A \\ and\nanother line.', ['name'])
  counter.add(1, value)
  const metrics = readMetrics(toTextFormat([counter]))
  expect(valueOf(metrics, 'test_things_total', { name: value })).toBe(1)
  expect(metrics.get('test_things_total')!.help).toBe('A \\\\ and\\nanother line.')
})

it('writes numbers as Prometheus reads them', () => {
  const values = [1e-7, 1e21, Infinity, -Infinity, 0.1, 12_345_678]
  const gauge: Metric = {
    name: 'test_value',
    type: 'gauge',
    help: 'A value.',
    labels: ['n'],
    collect: (sample) => values.forEach((value, index) => sample([String(index)], value)),
  }
  const metrics = readMetrics(toTextFormat([gauge]))
  expect(metrics.get('test_value')!.samples.map(({ value }) => value)).toEqual(values)
})

it('counts a duration in every bucket whose bound it does not exceed', () => {
  const histogram = new Histogram('test_duration_seconds', 'Durations.', [0.1, 1, 10], ['kind'])
  for (const seconds of [0, 0.1, 0.10001, 1, 5, 10, 11, 1_000]) histogram.observe(seconds, 'a')
  const metrics = readMetrics(toTextFormat([histogram]))
  const bucket = (le: string) => valueOf(metrics, 'test_duration_seconds_bucket', { kind: 'a', le })
  expect(['0.1', '1', '10', '+Inf'].map(bucket)).toEqual([2, 4, 6, 8])
  expect(valueOf(metrics, 'test_duration_seconds_count', { kind: 'a' })).toBe(8)
  expect(valueOf(metrics, 'test_duration_seconds_sum', { kind: 'a' })).toBeCloseTo(1_027.20001)
})

it('keeps values apart that would be the same when written one after the other', () => {
  const counter = new Counter('test_things_total', 'Things.', ['first', 'second'])
  counter.add(1, 'ab', 'c')
  counter.add(1, 'a', 'bc')
  expect(readMetrics(toTextFormat([counter])).get('test_things_total')!.samples).toHaveLength(2)
})
