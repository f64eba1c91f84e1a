import type { ApiKeyRow } from '../store/tables.ts'
import { SCOPES, type Scope } from './caller.ts'

export type KeyStatus = 'active' | 'expired' | 'revoked'

export function statusOf({ revoked_at, expires_at }: Pick<ApiKeyRow, 'revoked_at' | 'expires_at'>, now: number): KeyStatus {
  if (revoked_at !== null) return 'revoked'
  return expires_at !== null && expires_at <= now ? 'expired' : 'active'
}

/** Each once, in the order in which they are documented. */
export function inOrder(scopes: readonly Scope[]): Scope[] {
  return SCOPES.filter((scope) => scopes.includes(scope))
}

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text)
}
