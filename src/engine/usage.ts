import type { Tokens } from '../models/model.ts'
import type { StepRow } from '../store/tables.ts'

type RecordedStep = Pick<StepRow, 'step_id' | 'kind' | 'input_tokens' | 'output_tokens' | 'cost'>

const approvalOfCall = /(#\d+\.\d+)\/approval$/

/** What an execution has used: what earlier slices recorded, and what this one adds. */
export class Usage {
  readonly tokens: Tokens = { input: 0, output: 0, total: 0 }
  /** Ids of the steps that were begun, by their kind: whoever asks counts a step once, however often it is tried. */
  readonly #calls = { model: new Set<string>(), tool: new Set<string>() }
  #cost: number | null = 0

  /** @param recorded counts at once, also what is never asked for again, such as the calls of an agent that has answered */
  constructor(recorded: readonly RecordedStep[]) {
    for (const { step_id, kind, input_tokens, output_tokens, cost } of recorded) {
      if (kind === 'model' || kind === 'tool') this.#calls[kind].add(step_id)
      // A call that waited to be approved had been counted before.
      if (kind === 'approval' && approvalOfCall.test(step_id)) this.#calls.tool.add(step_id.replace(approvalOfCall, '$1'))
      if (input_tokens === null) continue
      const output = output_tokens ?? 0
      this.add({ input: input_tokens, output, total: input_tokens + output }, cost)
    }
  }

  /** US dollars; null where what a model costs that was called is not known. */
  get cost(): number | null {
    return this.#cost
  }

  add(tokens: Tokens, cost: number | null): void {
    this.tokens.input += tokens.input
    this.tokens.output += tokens.output
    this.tokens.total += tokens.total
    this.#cost = this.#cost === null || cost === null ? null : this.#cost + cost
  }

  hasBegun(kind: 'model' | 'tool', stepId: string): boolean {
    return this.#calls[kind].has(stepId)
  }

  begin(kind: 'model' | 'tool', stepId: string): void {
    this.#calls[kind].add(stepId)
  }

  calls(kind: 'model' | 'tool'): number {
    return this.#calls[kind].size
  }
}
