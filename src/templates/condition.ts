import { ConditionNotBoolean } from '../errors.ts'
import { engine } from './engine.ts'
import { parseExpression } from './parse.ts'
import { describe } from './read-property.ts'
import type { Reference } from './reference.ts'
import type { Values } from './render-context.ts'
import { beginRendering, type RenderOptions } from './rendering.ts'
import { TemplateInvalid } from './template-invalid.ts'
import { toTemplateError } from './template-error.ts'

/** An expression that is true or false, such as `steps.fetch.output.total > 100`. */
export interface Condition {
  readonly source: string
  readonly references: readonly Reference[]
  readonly secretNames: readonly string[]
  /** @throws ConditionNotBoolean TemplateFailed TemplateLimit */
  evaluate(scope: Values, options?: RenderOptions): boolean
}

/** Braces around it are accepted. @throws TemplateInvalid */
export function parseCondition(text: string): Condition {
  const source = withoutBraces(text)
  if (source.trim() === '')
    throw new TemplateInvalid([{ pointer: '', line: 1, column: 1, message: 'A condition is an expression; this one is empty.' }])
  const { parsed, references, secretNames } = parseExpression(source)
  return {
    source: text,
    references,
    secretNames,
    evaluate: (scope, options) => {
      const { module } = engine()
      const rendering = beginRendering(scope, options)
      let value: unknown
      try {
        value = module.toValue(module.toValueSync(parsed.value(rendering)))
      } catch (error) {
        throw toTemplateError(error, '', rendering.budget.limits)
      }
      if (typeof value === 'boolean') return value
      throw new ConditionNotBoolean({ condition: shorten(text), found: describe(value) })
    },
  }
}

/** Blanks instead of the braces, so that places stay right. */
function withoutBraces(text: string): string {
  const match = /^(\s*)\{\{-?([\s\S]*?)-?\}\}\s*$/.exec(text)
  if (!match || match[2]!.includes('{{')) return text
  const start = text.indexOf(match[2]!, match[1]!.length + 2)
  return ' '.repeat(start) + match[2]!
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text
}
