import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

/** What a figure depends on besides the code. */
export interface Machine {
  cpu: string
  cores: number
  memoryBytes: number
  platform: string
  node: string
  sqlite: string
  /** Processes that wanted to run in the last minute, before the bench began. */
  load: number
  /** Milliseconds that the disk of the temporary folder takes to make 4 kB durable. */
  fdatasync: { p50Ms: number; p99Ms: number }
}

export function describeMachine(folder: string): Machine {
  const cores = cpus()
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    sqlite: process.versions['sqlite'] ?? 'unknown',
    load: loadavg()[0]!,
    fdatasync: measureFdatasync(join(folder, 'fdatasync')),
  }
}

function measureFdatasync(file: string): Machine['fdatasync'] {
  const descriptor = openSync(file, 'w')
  const page = Buffer.alloc(4096, 1)
  const times = Array.from({ length: 300 }, () => {
    writeSync(descriptor, page)
    const began = performance.now()
    fdatasyncSync(descriptor)
    return performance.now() - began
  }).toSorted((a, b) => a - b)
  closeSync(descriptor)
  return { p50Ms: times[150]!, p99Ms: times[297]! }
}
