import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  until: string
  max_iterations?: number
}

export const loop: StepKind = {
  kind: 'loop',
  title: 'Loop',
  description:
    'Repeats its body until a condition holds. The body sees `iteration`, from 0, and `previous`, what the iteration before gave. The step gives what the last one gave.',
  schema: {
    type: 'object',
    required: ['until'],
    properties: {
      until: {
        type: 'string',
        description: 'A Liquid expression, looked at after each iteration; `previous` is what it gave, `iteration` its number, from 0.',
      },
      max_iterations: { type: 'integer', minimum: 1, maximum: 10_000, default: 100, description: 'Beyond it the step fails.' },
    },
  },
  compile({ until, max_iterations = 100 }: Config, compiler) {
    return { type: 'loop', until: compiler.condition(until, '/until'), limit: max_iterations }
  },
}
