/** What one execution may record: whatever goes on with it reads all of that, and so does whoever looks at it. */
export interface RecordLimits {
  steps: number
  /** What steps were given and gave, their failures and the events, as JSON. */
  characters: number
}

export const RECORD_LIMITS: Readonly<RecordLimits> = { steps: 100_000, characters: 256_000_000 }
