import { deserializeError, type StudioError } from '../errors.ts'

/** Says in the error which step failed, unless an inner one has said so. */
export function locate(error: StudioError, step_id: string): StudioError {
  return deserializeError({ code: error.code, details: { step_id, ...error.details } })
}
