import { StudioError, TemplateFailed, TemplateLimit } from '../errors.ts'
import type { Limits } from './budget.ts'
import { Failure, Overrun } from './failure.ts'

/** What LiquidJS puts around an error that happened while it rendered. */
interface Wrapped {
  originalError?: unknown
  token?: { getPosition: () => [number, number] }
}

/**
 * The error of the catalogue for whatever ended a rendering.
 * @param pointer within a mapping, to the text
 */
export function toTemplateError(error: unknown, pointer: string, { milliseconds, characters }: Limits): StudioError {
  const { cause, place } = unwrap(error)
  const where = pointer === '' ? place : { ...place, pointer }
  if (cause instanceof StudioError) return cause
  if (cause instanceof Overrun) return new TemplateLimit({ exceeded: cause.limit, milliseconds, characters, ...where })
  if (cause instanceof RangeError) {
    const exceeded = cause.message.includes('call stack') ? 'depth' : 'size'
    return new TemplateLimit({ exceeded, milliseconds, characters, ...where })
  }
  const { message } = cause as Error
  const path = cause instanceof Failure ? cause.path : undefined
  return new TemplateFailed({ reason: message, ...(path !== undefined && { path }), ...where })
}

function unwrap(error: unknown): { cause: unknown; place: { line?: number; column?: number } } {
  let cause = error
  let place = {}
  for (let wrapped = error as Wrapped; wrapped?.originalError !== undefined; wrapped = cause as Wrapped) {
    if (wrapped.token) {
      const [line, column] = wrapped.token.getPosition()
      place = { line, column }
    }
    cause = wrapped.originalError
  }
  return { cause, place }
}
