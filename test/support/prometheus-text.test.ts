import { expect, it } from 'vitest'
import { readMetrics } from './prometheus-text.ts'

const counter = '# HELP a_total As.\n# TYPE a_total counter\n'
const histogram = '# HELP h_seconds Hs.\n# TYPE h_seconds histogram\n'
const rest = 'h_seconds_sum 1\nh_seconds_count 2\n'

it.each([
  ['', 'no end'],
  [`${counter}a_total 1`, 'no end'],
  ['a_total 1\n', 'without help'],
  ['# TYPE a_total counter\na_total 1\n', 'does not follow its help'],
  ['# HELP a_total lower case\n# TYPE a_total counter\n', 'no sentence'],
  ['# HELP a As.\n# TYPE a counter\n', '_total'],
  ['# HELP a_ms As.\n# TYPE a_ms gauge\n', 'base unit'],
  [`${counter}b_total 1\n`, 'does not belong'],
  [`${counter}a_total 1\n${counter}`, 'there before'],
  [`${counter}a_total 1\na_total 1\n`, 'there before'],
  [`${counter}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`, 'there before'],
  [`${counter}a_total -1\n`, 'negative'],
  [`${counter}a_total NaN\n`, 'no number'],
  [`${counter}a_total 1 \n`, 'no sample'],
  [`${counter}a_total{} 1\n`, 'without labels'],
  [`${counter}a_total{x="1",} 1\n`, 'comma'],
  [`${counter}a_total{x="a"b"} 1\n`, 'broken labels'],
  [`${counter}a_total{x="1",x="2"} 1\n`, 'cannot be'],
  [`${counter}\na_total 1\n`, 'no sample'],
  [`${histogram}h_seconds_bucket{le="1"} 2\n${rest}`, '+Inf'],
  [`${histogram}h_seconds_bucket{le="2"} 1\nh_seconds_bucket{le="1"} 1\nh_seconds_bucket{le="+Inf"} 2\n${rest}`, 'ascend'],
  [`${histogram}h_seconds_bucket{le="1"} 3\nh_seconds_bucket{le="+Inf"} 2\n${rest}`, 'cumulative'],
  [`${histogram}h_seconds_bucket{le="+Inf"} 1\n${rest}`, 'count'],
  [`${histogram}h_seconds_bucket{le="+Inf"} 2\nh_seconds_count 2\n`, 'sum'],
])('the reader of metrics refuses %j', (text, why) => {
  expect(() => readMetrics(text)).toThrow(why)
})
