import { canonicalForm, sha256 } from '../graph/digest.ts'
import type { Claim } from '../store/claim.ts'

export interface KeyedPost {
  /** The API key that it was sent with; empty where none is needed. */
  caller: string
  key: string
  /** As it was asked for, with the query. */
  url: string
  /** What the validation has made of both: without what is null and may be absent, and `{}` where there is no body. */
  query: unknown
  body: unknown
}

/** @param now in milliseconds since 1970 */
export function claimOf({ caller, key, url, query, body }: KeyedPost, now: number): Claim {
  // The same resource with and without a slash at its end.
  const path = url.replace(/[?#].*$/, '').replace(/(?<=.)\/$/, '')
  // RFC 8785: whoever builds the body again may order its keys differently.
  const fingerprint = sha256(canonicalForm({ query, body }))
  return { caller, method: 'POST', path, key, fingerprint, now }
}
