const seconds = /^\d+(\.\d+)?$/
// V8 reads nearly anything as a date ("-5" is in 2001), so a date has to look like one of RFC 9110 §5.6.7.
const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d/

/**
 * How long a provider wants to be left alone, in milliseconds: `retry-after-ms` where it is given (OpenAI and Azure send
 * it, more exact), else `Retry-After` in seconds or as a date (RFC 9110 §10.2.3). Undefined where neither can be read.
 * @param headers with names in lower case
 */
export function retryAfterMs(headers: Record<string, string> | undefined, now = Date.now()): number | undefined {
  return milliseconds(headers?.['retry-after-ms']?.trim()) ?? delay(headers?.['retry-after']?.trim(), now)
}

function milliseconds(value: string | undefined): number | undefined {
  return value !== undefined && seconds.test(value) ? finite(Math.ceil(Number(value))) : undefined
}

function delay(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (seconds.test(value)) return finite(Math.ceil(Number(value) * 1000))
  return httpDate.test(value) ? finite(Math.max(0, Date.parse(value) - now)) : undefined
}

function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined
}
