import type { ModelAnswer, ModelRequest, Tokens } from '../models/model.ts'

export interface StepSpec {
  /** The same in every slice of the execution: made of the node's id and where in its work it is. */
  id: string
  kind: 'model' | 'agent'
  name: string
  input: unknown
  model?: string
  /** The node's own limit; the lower of it and the runtime configuration's counts. */
  maxRetries?: number | undefined
  /** Steps within steps: it holds others, which are recorded and retried by themselves. */
  container?: boolean
}

export interface AttemptContext {
  /** 1 for the first attempt ever, also counting those that a crash interrupted. */
  number: number
  signal: AbortSignal
  /** The same for every attempt of the step, also after a crash. */
  idempotencyKey: string
  /** Appends to the answer that the execution streams. */
  answer(text: string): void
}

export interface StepResult {
  output: unknown
  tokens?: Tokens
}

/** What a node sees of the engine. */
export interface NodeContext {
  /**
   * Runs `work` at least once and records its result once; a recorded result is given again without running it.
   * A failure is retried unless it says otherwise.
   */
  step<Output>(spec: StepSpec, work: (attempt: AttemptContext) => Promise<StepResult & { output: Output }>): Promise<Output>
  callModel(request: ModelRequest): Promise<ModelAnswer>
  emit(event: { type: string; [data: string]: unknown }): void
}
