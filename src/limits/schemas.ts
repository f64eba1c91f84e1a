import { Type } from '../http/type.ts'

/** How many requests, or executions, are taken in how many seconds. */
export const RateLimitSchema = Type.Object(
  {
    requests: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'So many at once, after which they fill up at an even pace.' }),
    seconds: Type.Integer({ minimum: 1, maximum: 86_400, description: 'The time in which all of them are there again.' }),
  },
  { additionalProperties: false, examples: [{ requests: 600, seconds: 60 }] },
)

/** How many executions may be queued or running at a time. */
export const ConcurrencyLimit = Type.Integer({ minimum: 1, maximum: 1_000_000 })
