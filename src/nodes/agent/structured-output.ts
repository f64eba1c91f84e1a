import { StructuredOutputInvalid, type Issue } from '../../errors.ts'
import type { DataSchema } from '../../data-schema/data-schema.ts'
import type { PlannedAgent } from '../../graph/plan.ts'

/** How often a model is asked for an answer that fits: the first time, and twice with what is wrong. */
const TRIES = 3

/** Of what is wrong, what a model is told. */
const MOST_PROBLEMS = 10

/** An answer that fits, or what to tell the model. */
export type Read = { text: string; output: unknown } | { told: string }

/** Reads the answers of one agent that has an `output_schema`, and counts those that do not fit. */
export class AnswerReader {
  readonly #agent: Pick<PlannedAgent, 'id'>
  readonly #schema: DataSchema
  #tries = 0

  constructor(agent: Pick<PlannedAgent, 'id'>, schema: DataSchema) {
    this.#agent = agent
    this.#schema = schema
  }

  /** @throws StructuredOutputInvalid after the last try */
  read(answer: string, stepId: string): Read {
    this.#tries++
    const text = withoutFence(answer)
    const { output, errors } = this.#check(text)
    if (errors.length === 0) return { text, output }
    if (this.#tries >= TRIES) throw new StructuredOutputInvalid({ agent: this.#agent.id, tries: TRIES, errors, step_id: stepId })
    const lines = errors.slice(0, MOST_PROBLEMS).map(({ pointer, message }) => `- ${pointer || 'the answer'}: ${message}`)
    return {
      told: ['Your answer does not fit the schema:', ...lines, 'Answer again, with the whole JSON value and nothing else.'].join('\n'),
    }
  }

  #check(text: string): { output: unknown; errors: Issue[] } {
    try {
      const output: unknown = JSON.parse(text)
      return { output, errors: this.#schema.check(output) }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return { output: null, errors: [{ pointer: '', code: 'no_json', message: `It is no JSON: ${error.message}.` }] }
    }
  }
}

/** Many models put JSON into a block of Markdown, however they are asked. */
function withoutFence(answer: string): string {
  const text = answer.trim()
  return /^```(?:json)?\s*\n([\s\S]*)\n\s*```$/i.exec(text)?.[1]?.trim() ?? text
}
