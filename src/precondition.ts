import { PreconditionFailed } from './errors.ts'

/** What a request says that the object it changes must be now (RFC 9110 §13.1). */
export interface Precondition {
  /** One of these tags, or `*`: that it is there at all. */
  match?: readonly string[] | undefined
  /** None of these tags, or `*`: that it is not there. */
  noneMatch?: readonly string[] | undefined
}

/** Changes with each change of the object. @param at milliseconds since 1970: an object that is made anew counts from 1 again */
export function entityTag(version: number, at: number): string {
  return `"${version}-${at.toString(36)}"`
}

/**
 * To be asked in the transaction of the change.
 * @param tag of the object as it is; undefined where it is not there
 * @throws PreconditionFailed
 */
export function checkPrecondition({ match, noneMatch }: Precondition, tag: string | undefined): void {
  if (match && !fits(match, tag)) throw new PreconditionFailed({ header: 'If-Match', exists: tag !== undefined })
  if (noneMatch && fits(noneMatch, tag)) throw new PreconditionFailed({ header: 'If-None-Match', exists: tag !== undefined })
}

function fits(tags: readonly string[], tag: string | undefined): boolean {
  return tag !== undefined && (tags.includes('*') || tags.includes(tag))
}
