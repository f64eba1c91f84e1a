import { parseCondition } from '../templates/condition.ts'
import { parseMapping } from '../templates/mapping.ts'
import { parseTemplate, TemplateInvalid, type Reference } from '../templates/template.ts'
import type { Condition, Mapping, StepCompiler, Text } from './step-kind.ts'

/** A name of the scope that a template reads: `['steps', 'fetch', 'output', 'title']`. */
export interface FoundReference {
  path: Reference['path']
  pointer: string
}

/** Compiles the templates of one node, and notes what they read. */
export class TemplateCompiler implements StepCompiler {
  readonly references: FoundReference[] = []
  /** Whether the node reads all that comes before it. */
  isReadingAll = false
  readonly #pointer: string
  readonly #onProblem: (pointer: string, code: string, message: string) => void

  /** @param pointer of the config that is compiled @param onProblem told what is wrong, or throws */
  constructor(pointer: string, onProblem: (pointer: string, code: string, message: string) => void) {
    this.#pointer = pointer
    this.#onProblem = onProblem
  }

  text(value: string, pointer: string): Text {
    return this.#compile(pointer, () => parseTemplate(value)) ?? { secretNames: [], render: () => '' }
  }

  mapping(value: unknown, pointer: string): Mapping {
    return this.#compile(pointer, () => parseMapping(value)) ?? { secretNames: [], apply: () => null }
  }

  condition(value: string, pointer: string): Condition {
    return this.#compile(pointer, () => parseCondition(value)) ?? { evaluate: () => false }
  }

  problem(pointer: string, code: string, message: string): void {
    this.#onProblem(`${this.#pointer}${pointer}`, code, message)
  }

  readsAll(withVariables: boolean): void {
    this.isReadingAll = true
    if (withVariables) this.references.push({ path: ['variables'], pointer: this.#pointer })
  }

  #compile<Parsed extends { references: readonly Reference[] }>(pointer: string, parse: () => Parsed): Parsed | undefined {
    try {
      const parsed = parse()
      for (const { path, pointer: place } of parsed.references)
        this.references.push({ path, pointer: `${this.#pointer}${pointer}${place}` })
      return parsed
    } catch (error) {
      if (!(error instanceof TemplateInvalid)) throw error
      for (const { pointer: place, code, message } of error.issues(pointer)) this.problem(place, code, message)
      return undefined
    }
  }
}
