import { formatOf } from '../format.ts'
import { clip } from '../path.ts'
import type { Pattern } from '../pattern.ts'
import { NeedsWatch, type Run } from '../run.ts'
import type { Keyword } from './keyword.ts'

/** In characters as people count them (JSON Schema, Validation §6.3.1). */
export const length: Keyword = (schema) => {
  const least = schema.count('minLength') ?? 0
  const most = schema.count('maxLength') ?? Infinity
  if (least === 0 && most === Infinity) return undefined
  return (value, run) => {
    if (typeof value !== 'string' || (value.length >= 2 * least && value.length <= most)) return true
    const characters = value.length > 2 * most ? Infinity : countCharacters(value)
    if (characters < least) return run.fail('too_short', `must have at least ${least} characters; it has ${characters}`)
    return characters <= most || run.fail('too_long', `must have at most ${most} characters`)
  }
}

function countCharacters(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

export const pattern: Keyword = (schema) => {
  const source = schema.text('pattern')
  if (source === undefined) return undefined
  const compiled = schema.pattern('pattern', source)
  const should = `must match ${clip(source, 100)}`
  return compiled && ((value, run) => typeof value !== 'string' || matches(compiled, value, run) || run.fail('wrong_format', should))
}

/** @throws NeedsWatch */
export function matches(pattern: Pattern, text: string, run: Run): boolean {
  if (!run.isWatched && pattern.isSlowOn(text)) throw new NeedsWatch()
  return pattern.matches(text)
}

export const format: Keyword = (schema) => {
  const name = schema.text('format')
  const found = name === undefined ? undefined : formatOf(name)
  return (
    found && ((value, run) => typeof value !== 'string' || found.matches(value) || run.fail('wrong_format', `must be ${found.meaning}`))
  )
}
