import type { Output, Template as LiquidTemplate, Value } from 'liquidjs'
import { engine } from './engine.ts'
import { hasTemplate, parseText } from './parse.ts'
import type { Reference } from './reference.ts'
import type { Rendering, Values } from './render-context.ts'
import { beginRendering, type RenderOptions } from './rendering.ts'
import { renderText } from './template.ts'
import { toTemplateError } from './template-error.ts'
import { TemplateInvalid, type TemplateProblem } from './template-invalid.ts'

/**
 * A JSON value whose texts may be templates. A text that is nothing but one `{{ … }}` gives the value itself, of whatever type; any
 * other gives a text. Names are taken as they are.
 */
export interface Mapping {
  readonly isConstant: boolean
  /** Each with the pointer to its text. */
  readonly references: readonly Reference[]
  readonly secretNames: readonly string[]
  /**
   * What it gives shares its parts with the scope and with the mapping, so it is only for reading.
   * @throws TemplateFailed TemplateLimit
   */
  apply(scope: Values, options?: RenderOptions): unknown
}

/** Makes one part of the value; undefined for a part without templates, which is taken as it is. */
type Make = (rendering: Rendering) => unknown

/** @throws TemplateInvalid with the problems of all its texts */
export function parseMapping(value: unknown): Mapping {
  const parser = new MappingParser()
  const make = parser.parse(value, '', 0)
  if (parser.problems.length > 0) throw new TemplateInvalid(parser.problems)
  const { references, secretNames } = parser
  return {
    isConstant: make === undefined,
    references,
    secretNames: [...secretNames],
    apply: make === undefined ? () => value : (scope, options) => make(beginRendering(scope, options)),
  }
}

/** As deep as a body may be. */
const MAX_DEPTH = 64

class MappingParser {
  readonly references: Reference[] = []
  readonly secretNames = new Set<string>()
  readonly problems: TemplateProblem[] = []

  parse(value: unknown, pointer: string, depth: number): Make | undefined {
    if (typeof value === 'string') return hasTemplate(value) ? this.#text(value, pointer) : undefined
    if (typeof value !== 'object' || value === null) return undefined
    if (depth >= MAX_DEPTH) {
      this.problems.push({ pointer, line: 1, column: 1, message: `A mapping is nested at most ${MAX_DEPTH} deep.` })
      return undefined
    }
    return Array.isArray(value) ? this.#list(value, pointer, depth) : this.#object(value, pointer, depth)
  }

  #text(text: string, pointer: string): Make | undefined {
    try {
      const { parsed, references, secretNames } = parseText(text)
      for (const reference of references) this.references.push({ ...reference, pointer })
      for (const name of secretNames) this.secretNames.add(name)
      const value = soleValue(parsed, text)
      return value ? (rendering) => valueOf(value, rendering, pointer) : (rendering) => renderText(parsed, rendering, pointer)
    } catch (error) {
      if (!(error instanceof TemplateInvalid)) throw error
      for (const problem of error.problems) this.problems.push({ ...problem, pointer })
      return undefined
    }
  }

  #list(list: readonly unknown[], pointer: string, depth: number): Make | undefined {
    const makes = list.map((item, index) => this.parse(item, `${pointer}/${index}`, depth + 1))
    if (makes.every((make) => make === undefined)) return undefined
    return (rendering) => list.map((item, index) => (makes[index] ? makes[index](rendering) : item))
  }

  #object(object: object, pointer: string, depth: number): Make | undefined {
    const members = Object.entries(object).map(([name, value]) => ({
      name,
      value: value as unknown,
      make: this.parse(value, `${pointer}/${escape(name)}`, depth + 1),
    }))
    if (members.every(({ make }) => make === undefined)) return undefined
    // Not by assignment, which a member called `__proto__` would turn into something else.
    return (rendering) => Object.fromEntries(members.map(({ name, value, make }) => [name, make ? make(rendering) : value]))
  }
}

/** RFC 6901 §3. */
function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function soleValue(templates: readonly LiquidTemplate[], text: string): Value | undefined {
  const [only] = templates
  if (templates.length !== 1 || !(only instanceof engine().module.Output)) return undefined
  const { token, value } = only as Output
  return token.begin === 0 && token.end === text.length ? value : undefined
}

function valueOf(value: Value, rendering: Rendering, pointer: string): unknown {
  const { module } = engine()
  try {
    // A text of megabytes that comes from the scope is not made here, so it is not counted either.
    rendering.budget.check()
    return module.toValue(module.toValueSync(value.value(rendering))) ?? null
  } catch (error) {
    throw toTemplateError(error, pointer, rendering.budget.limits)
  }
}
