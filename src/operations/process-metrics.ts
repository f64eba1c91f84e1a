import { readdirSync, readFileSync } from 'node:fs'
import type { Metric } from './metric.ts'

/** Of the whole process, under the names that every Prometheus client uses. The heap is that of the main thread. */
export const processMetrics: readonly Metric[] = [
  gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => performance.timeOrigin / 1_000),
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time that the process used, in user and system mode.',
    labels: [],
    collect: (sample) => {
      const { user, system } = process.cpuUsage()
      sample([], (user + system) / 1e6)
    },
  },
  gauge('process_resident_memory_bytes', 'Memory of the process that is in RAM.', () => process.memoryUsage.rss()),
  gauge('nodejs_heap_size_total_bytes', 'Memory that the JavaScript heap has reserved.', () => process.memoryUsage().heapTotal),
  gauge('nodejs_heap_size_used_bytes', 'Memory that the JavaScript heap uses.', () => process.memoryUsage().heapUsed),
  gauge(
    'nodejs_external_memory_bytes',
    'Memory of objects outside of the JavaScript heap, such as buffers.',
    () => process.memoryUsage().external,
  ),
  gauge('process_open_fds', 'Open file descriptors. Only on Linux.', () => readdirSync('/proc/self/fd').length),
  gauge('process_max_fds', 'How many file descriptors may be open. Only on Linux.', () =>
    Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]),
  ),
]

/** What this system does not tell is left out. */
function gauge(name: string, help: string, read: () => number): Metric {
  const collect: Metric['collect'] = (sample) => {
    let value: number
    try {
      value = read()
    } catch {
      return
    }
    if (!Number.isNaN(value)) sample([], value)
  }
  return { name, type: 'gauge', help, labels: [], collect }
}
