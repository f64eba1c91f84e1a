import type { FastifyRequest } from 'fastify'
import { MalformedRequest } from '../errors.ts'
import type { Precondition } from '../precondition.ts'

/** What the request's `If-Match` and `If-None-Match` demand. @throws MalformedRequest for what is no list of entity tags */
export function preconditionOf({ headers }: FastifyRequest): Precondition {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  return {
    ...(match !== undefined && { match: readTags('If-Match', match) }),
    ...(noneMatch !== undefined && { noneMatch: readTags('If-None-Match', noneMatch) }),
  }
}

const tag = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`
const list = new RegExp(`^${tag}(?:\\s*,\\s*${tag})*$`)

/** Weak tags stay as they are, so that they match nothing: ours are strong (RFC 9110 §8.8.3.2). */
function readTags(header: string, value: string): string[] {
  const text = value.trim()
  if (text === '*') return ['*']
  if (!list.test(text)) throw new MalformedRequest({ reason: `'${header}' must be the ETag of an answer, with its quotes, or *.` })
  return text.match(new RegExp(tag, 'g'))!
}
