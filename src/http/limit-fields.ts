import type { FastifyReply } from 'fastify'
import type { LimitState } from '../errors.ts'

/**
 * Says on an answer how it stands with a limit, in the fields `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-10 (§3 and §4): lists of RFC 9651, to which each limit adds one item.
 */
export function tellLimit(reply: FastifyReply, state: LimitState): void {
  const { policy, limit } = limitFields(state)
  reply.header('ratelimit-policy', joined(reply.getHeader('ratelimit-policy'), policy))
  reply.header('ratelimit', joined(reply.getHeader('ratelimit'), limit))
}

/** What was said of limits, for an answer that is taken out of Fastify's hands. */
export function toldLimits(reply: FastifyReply): Record<string, string> {
  const told = ['ratelimit-policy', 'ratelimit'].flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  })
  return Object.fromEntries(told)
}

/** The items of one limit. */
export function limitFields({ policy, quota, window, remaining, reset }: LimitState): { policy: string; limit: string } {
  const per = window === undefined ? ';qu="concurrent-requests"' : `;w=${window}`
  const until = reset === undefined ? '' : `;t=${reset}`
  return { policy: `"${policy}";q=${quota}${per}`, limit: `"${policy}";r=${remaining}${until}` }
}

function joined(before: string | number | string[] | undefined, item: string): string {
  return before === undefined ? item : `${String(before)}, ${item}`
}
