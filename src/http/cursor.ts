import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from './type.ts'
import { InvalidInput } from '../errors.ts'

/** The query parameters of a list that grows. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'At most so many. Default 50.' })),
  cursor: Type.Optional(Type.String({ maxLength: 2_000, description: 'From the Link header of the page before.' })),
}

export const DEFAULT_PAGE = 50

/** An opaque cursor: where the page before ended. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** @throws InvalidInput for what `encodeCursor` never made */
export function decodeCursor<Position>(
  cursor: string | undefined,
  isPosition: (value: unknown) => value is Position,
): Position | undefined {
  if (cursor === undefined) return undefined
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (isPosition(position)) return position
  } catch {
    // Not JSON: no cursor of ours.
  }
  const message = "'cursor' is not one that this list gave. Take it from the Link header of the page before, or leave it out."
  throw new InvalidInput({ errors: [{ pointer: '?cursor', code: 'wrong_format', message }] })
}

/**
 * Cuts a list that was asked for one more than the page holds, and says in the Link header (RFC 8288) where it goes on.
 */
export function sendPage<Row>(
  request: FastifyRequest,
  reply: FastifyReply,
  rows: Row[],
  limit: number,
  positionOf: (row: Row) => unknown,
): Row[] {
  if (rows.length <= limit) return rows
  const page = rows.slice(0, limit)
  const next = new URL(request.url, 'http://localhost')
  next.searchParams.set('cursor', encodeCursor(positionOf(page.at(-1)!)))
  reply.header('link', `<${next.pathname}${next.search}>; rel="next"`)
  return page
}
