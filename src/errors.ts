/**
 * The catalogue of everything that can go wrong in a way that a user can act on. Code throws these; one file at the edge
 * (`http/problem.ts`) turns them into RFC 9457 problem details. Tests and clients branch on `code`, never on the text.
 * `errors/` has them by subject. Each code has an entry in docs/errors.md; a test keeps both in step.
 */

import { catalogue, type SerializedError, type StudioError } from './errors/catalogue.ts'
import { InternalError } from './errors/server.ts'

export { type ErrorClass, type Issue, type LimitState, type SerializedError, StudioError, type Warning } from './errors/catalogue.ts'
export * from './errors/requests.ts'
export * from './errors/access.ts'
export * from './errors/workflows.ts'
export * from './errors/settings.ts'
export * from './errors/deployments.ts'
export * from './errors/life-cycle.ts'
export * from './errors/executions.ts'
export * from './errors/steps.ts'
export * from './errors/limits.ts'
export * from './errors/outgoing.ts'
export * from './errors/sandbox.ts'
export * from './errors/server.ts'

export function errorCatalogue(): { code: string; status: number; title: string }[] {
  return [...catalogue.values()].map(({ code, status, title }) => ({ code, status, title }))
}

/** Rebuilds an error that crossed a thread or was stored. An unknown code is a fault of ours. */
export function deserializeError(error: SerializedError): StudioError {
  const found = catalogue.get(error.code)
  if (!found) return new InternalError({})
  return new found(error.details as never)
}
