import type { DataSchema } from '../data-schema/data-schema.ts'
import type { Attempt, StepCompiler } from '../graph/step-kind.ts'

/** One attempt of a call. */
export interface ToolAttempt extends Attempt {
  /** They fit the tool's schema. */
  arguments: Readonly<Record<string, unknown>>
  stepId: string
}

/** What an agent's model may call, compiled from the agent's config; immutable. */
export interface Tool {
  /** As the model calls it. */
  name: string
  description: string
  /** JSON Schema of the arguments, an object. */
  parameters: Readonly<Record<string, unknown>>
  schema: DataSchema
  /** It changes nothing outside and asks nobody, so that nothing must be on disk before it. */
  pure?: boolean
  /** Whether a call may change something outside, so that a person may want to see it before. */
  writes(call: Readonly<Record<string, unknown>>): boolean
  /** Whether a person decides on each call; where it says nothing, the agent does. */
  approval?: boolean | undefined
  /** What becomes of a failure: the model is told, or the execution fails. */
  onError: 'tell' | 'fail'
  maxRetries?: number | undefined
  /** What it does with the arguments, for whoever looks at the step; without secrets. */
  shows?(attempt: Pick<ToolAttempt, 'arguments' | 'scope'>): object
  run(attempt: ToolAttempt): Promise<unknown>
}

/** One sort of tool that agents can have. Its schema is JSON Schema of what stands in the agent's `tools`. */
export interface ToolType {
  type: string
  title: string
  description: string
  schema: Readonly<Record<string, unknown>>
  /** Called with what the schema allows. Problems are gathered by the compiler, with pointers into the tool. */
  compile(config: never, compiler: StepCompiler): Tool[]
}

/** What every sort of tool can say. */
export interface CommonConfig {
  approval?: boolean
  on_error?: 'tell' | 'fail'
  max_retries?: number
}

export const commonProperties = {
  approval: {
    type: 'boolean',
    description: 'Whether a person decides on each call; where it is left out, the `approval` of the agent says so.',
  },
  on_error: { enum: ['tell', 'fail'], default: 'tell', description: '`tell`: the model is told; `fail`: the execution fails.' },
  max_retries: { type: 'integer', minimum: 0, maximum: 20 },
} as const

export function common({ approval, on_error = 'tell', max_retries }: CommonConfig): Pick<Tool, 'approval' | 'onError' | 'maxRetries'> {
  return { approval, onError: on_error, maxRetries: max_retries }
}

/** Providers take no other names. */
export const namePattern = '^[A-Za-z0-9_-]{1,64}$'
