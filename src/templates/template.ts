import type { Template as LiquidTemplate } from 'liquidjs'
import { engine } from './engine.ts'
import { OutputText } from './output.ts'
import { hasTemplate, parseText } from './parse.ts'
import type { Reference } from './reference.ts'
import type { Rendering, Values } from './render-context.ts'
import { beginRendering, type RenderOptions } from './rendering.ts'
import { toTemplateError } from './template-error.ts'

export type { Reference } from './reference.ts'
export type { Values } from './render-context.ts'
export type { RenderOptions } from './rendering.ts'
export { TemplateInvalid, type TemplateProblem } from './template-invalid.ts'

/** A text in which `{{ … }}` and `{% … %}` are filled in. Immutable; keeps nothing of what it rendered. */
export interface Template {
  readonly source: string
  /** Whether it is nothing but its source. */
  readonly isConstant: boolean
  readonly references: readonly Reference[]
  readonly secretNames: readonly string[]
  /** @throws TemplateFailed TemplateLimit */
  render(scope: Values, options?: RenderOptions): string
}

/** A text without templates costs nothing, neither here nor later. @throws TemplateInvalid */
export function parseTemplate(text: string): Template {
  if (!hasTemplate(text)) return { source: text, isConstant: true, references: [], secretNames: [], render: () => text }
  const { parsed, references, secretNames } = parseText(text)
  return {
    source: text,
    isConstant: false,
    references,
    secretNames,
    render: (scope, options) => renderText(parsed, beginRendering(scope, options), ''),
  }
}

/** @param pointer within a mapping, to the text */
export function renderText(templates: LiquidTemplate[], rendering: Rendering, pointer: string): string {
  const { liquid, module } = engine()
  const output = new OutputText(rendering.budget, module.toValue)
  try {
    module.toValueSync(liquid.renderer.renderTemplates(templates, rendering, output))
    return output.buffer
  } catch (error) {
    throw toTemplateError(error, pointer, rendering.budget.limits)
  }
}
