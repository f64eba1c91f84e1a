/** What a release that serves beside another may do before its part of the executions goes back to that one. */
export interface Bounds {
  /** Of the executions that ended, the part that may have failed: 0.05 are five in a hundred. */
  max_error_rate?: number
  /** Milliseconds that at most five in a hundred executions may run longer than. */
  max_p95_ms?: number
  /** US dollars that an execution may cost on average. */
  max_cost?: number
  /** Executions without which nothing is judged. */
  min_samples: number
}

/** Of executions that completed or failed. */
export interface Sample {
  samples: number
  errors: number
  /** Beyond `max_p95_ms`. */
  slow: number
  cost: number
}

/** Two rounds, each as long as `min_samples`, so that a release that turns bad is not excused by what it did long ago. */
export interface Counts {
  present: Sample
  before: Sample
}

export const NO_COUNTS: Counts = { present: none(), before: none() }

function none(): Sample {
  return { samples: 0, errors: 0, slow: 0, cost: 0 }
}

const SLOW_PART = 0.05

export interface EndedExecution {
  failed: boolean
  /** As the timeout counts it: without what it waited for a person or a time. */
  duration_ms: number
  cost: number
}

export function countEnd({ present, before }: Counts, bounds: Bounds, { failed, duration_ms, cost }: EndedExecution): Counts {
  const isFull = present.samples >= bounds.min_samples
  const { samples, errors, slow, cost: spent } = isFull ? none() : present
  const isSlow = bounds.max_p95_ms !== undefined && duration_ms > bounds.max_p95_ms
  return {
    before: isFull ? present : before,
    present: { samples: samples + 1, errors: errors + (failed ? 1 : 0), slow: slow + (isSlow ? 1 : 0), cost: spent + cost },
  }
}

export interface Verdict {
  bound: 'max_error_rate' | 'max_p95_ms' | 'max_cost'
  allowed: number
  /** What was counted: failures, slow executions, or dollars; and of how many executions. */
  counted: number
  samples: number
}

/** Of both rounds. */
export function sampleOf({ present, before }: Counts): Sample {
  return {
    samples: present.samples + before.samples,
    errors: present.errors + before.errors,
    slow: present.slow + before.slow,
    cost: present.cost + before.cost,
  }
}

/**
 * The bound that is passed, if one is. What was counted is compared with what the bound allows in as many executions, and in
 * `min_samples` where there are fewer: so it can be passed sooner than that, but only where the minimum sample would pass it
 * whatever became of the rest of it.
 */
export function judge(counts: Counts, bounds: Bounds): Verdict | undefined {
  const { samples, errors, slow, cost } = sampleOf(counts)
  const of = Math.max(samples, bounds.min_samples)
  const { max_error_rate, max_p95_ms, max_cost } = bounds
  if (max_error_rate !== undefined && isMore(errors, max_error_rate * of)) {
    return { bound: 'max_error_rate', allowed: max_error_rate, counted: errors, samples }
  }
  if (max_p95_ms !== undefined && isMore(slow, SLOW_PART * of)) return { bound: 'max_p95_ms', allowed: max_p95_ms, counted: slow, samples }
  if (max_cost !== undefined && isMore(cost, max_cost * of)) return { bound: 'max_cost', allowed: max_cost, counted: cost, samples }
  return undefined
}

/** 29 of a hundred are not more than 29 %, although 0.29 × 100 is 28.999999999999996. */
function isMore(counted: number, allowed: number): boolean {
  return counted > allowed * (1 + Number.EPSILON * 4)
}
