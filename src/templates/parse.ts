import type { Template, Value } from 'liquidjs'
import { Interrupted, interruptible } from '../interrupt.ts'
import { engine } from './engine.ts'
import { Inspection } from './inspection.ts'
import type { Reference } from './reference.ts'
import { TemplateInvalid, type TemplateProblem } from './template-invalid.ts'

/** Characters of a text with templates in it. */
const MAX_LENGTH = 100_000

/** Longer ones are parsed under a watch, since parts of LiquidJS's parser take more than linear time. */
const LONG = 5_000
const MAX_MILLISECONDS = 200

/** Whether a text is more than itself. */
export const hasTemplate = (text: string): boolean => text.includes('{{') || text.includes('{%')

export interface Parsed<T> {
  parsed: T
  references: readonly Reference[]
  /** The secrets that it names, each once. */
  secretNames: readonly string[]
}

/** @throws TemplateInvalid */
export function parseText(text: string): Parsed<Template[]> {
  return parse(text, (inspection) => {
    const templates = engine().liquid.parse(text)
    inspection.templates(templates)
    return templates
  })
}

/** An expression without braces around it. @throws TemplateInvalid */
export function parseExpression(text: string): Parsed<Value> {
  return parse(text, (inspection) => {
    const { liquid, module } = engine()
    const tokenizer = new module.Tokenizer(text, liquid.options.operators, undefined, undefined, true)
    const value = new module.Value(tokenizer.readFilteredValue(), liquid)
    inspection.value(value, text.length)
    return value
  })
}

function parse<T>(text: string, work: (inspection: Inspection) => T): Parsed<T> {
  if (text.length > MAX_LENGTH)
    throw invalid(`A text with templates in it has at most ${MAX_LENGTH} characters; this one has ${text.length}.`)
  const { module, hasFilter } = engine()
  const { parsed, inspection } = watched(text, () => {
    const begun = new Inspection(module, hasFilter, text)
    return { parsed: work(begun), inspection: begun }
  })
  const { references, problems } = inspection
  if (problems.length > 0) throw new TemplateInvalid(problems)
  return { parsed, references, secretNames: secretsIn(references) }
}

function watched<T>(text: string, work: () => T): T {
  try {
    return text.length > LONG ? interruptible(work, MAX_MILLISECONDS) : work()
  } catch (error) {
    if (error instanceof Interrupted) throw invalid(`The template takes more than ${MAX_MILLISECONDS} ms to be read.`)
    if (isOverflow(error)) throw invalid('The template is nested too deep.')
    throw new TemplateInvalid([problemOf(error as Error)])
  }
}

/** Of the stack, which LiquidJS takes for a mistake at the place where it happened. */
function isOverflow(error: unknown): boolean {
  return error instanceof RangeError || (error as { originalError?: unknown }).originalError instanceof RangeError
}

function invalid(message: string): TemplateInvalid {
  return new TemplateInvalid([{ pointer: '', line: 1, column: 1, message }])
}

/** LiquidJS ends its messages with the place. */
function problemOf(error: Error & { token?: { getPosition: () => [number, number] } }): TemplateProblem {
  const [line, column] = error.token?.getPosition() ?? [1, 1]
  const message = error.message.replace(/, line:\d+, col:\d+$/, '')
  return { pointer: '', line, column, message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.` }
}

function secretsIn(references: readonly Reference[]): string[] {
  return [...new Set(references.filter(({ path }) => path[0] === 'secrets').map(({ path }) => String(path[1])))]
}
