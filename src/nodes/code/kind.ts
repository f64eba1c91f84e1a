import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  source: string
  timeout?: number
  memory_mb?: number
}

export const code: StepKind = {
  kind: 'code',
  title: 'Code',
  description:
    'Runs JavaScript, apart from everything: no network, no files, no timers. It sees input, query, chat_history, variables, steps and now, and returns a JSON value.',
  schema: {
    type: 'object',
    required: ['source'],
    properties: {
      source: {
        type: 'string',
        minLength: 1,
        maxLength: 200_000,
        description: 'The body of an async function, such as: return steps.fetch.output.items.filter((item) => item.total > 100)',
      },
      timeout: { type: 'number', minimum: 0.01, maximum: 60, default: 1, description: 'Seconds; then it is killed.' },
      memory_mb: { type: 'integer', minimum: 4, maximum: 256, default: 64 },
    },
  },
  compile({ source, timeout, memory_mb }: Config, compiler) {
    compiler.readsAll(source.includes('variables'))
    return {
      type: 'work',
      pure: true,
      maxRetries: 0,
      async run({ scope, idempotencyKey, signal, outside, environment, emit }) {
        const program = {
          source,
          scope,
          now: Date.parse(scope.now),
          seed: idempotencyKey,
          tenant: `${environment}/${String(scope.execution['deployment_name'])}`,
          ...(timeout !== undefined && { timeoutMs: timeout * 1_000 }),
          ...(memory_mb !== undefined && { memoryBytes: memory_mb * 2 ** 20 }),
        }
        const { output, logs } = await outside.sandbox.run(program, signal)
        if (logs.length > 0) emit({ type: 'log', lines: logs })
        return output
      },
    }
  },
}
