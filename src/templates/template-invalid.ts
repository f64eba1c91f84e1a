import type { Issue } from '../errors.ts'

/** What is wrong with a template, and where: line and column count from 1. */
export interface TemplateProblem {
  /** Within a mapping, to the text; empty for a text that stands alone. */
  pointer: string
  line: number
  column: number
  message: string
}

/** Thrown for what cannot be parsed, with every problem that was found. */
export class TemplateInvalid extends Error {
  readonly problems: readonly TemplateProblem[]

  constructor(problems: readonly TemplateProblem[]) {
    super(problems[0]?.message ?? 'The template is wrong.')
    this.name = 'TemplateInvalid'
    this.problems = problems
  }

  /** @param pointer where the template stands in the input */
  issues(pointer: string): Issue[] {
    return this.problems.map((problem) => ({
      pointer: `${pointer}${problem.pointer}`,
      code: 'template_invalid',
      message: `${problem.message} (line ${problem.line}, column ${problem.column})`,
    }))
  }
}
