/** What the probe in a process that is measured answers with. */
export interface Sample {
  /** Used by all threads since the process began. */
  cpuMicros: number
  rssBytes: number
  /** Resident memory every quarter of a second since the sample before. */
  rssHistory: number[]
  /** Since the sample before, and never less than the millisecond of the timer that it is measured with. */
  loopDelayP99Ms: number
}

/** After a full garbage collection, for which the process needs `--expose-gc`. */
export interface Memory {
  /** Of all threads. */
  heapBytes: number
  rssBytes: number
}

export type Question = 'sample' | 'memory'
