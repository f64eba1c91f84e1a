import { passOn } from '../pass-on.ts'
import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  template?: string
  value?: unknown
}

export const output: StepKind = {
  kind: 'output',
  title: 'Output',
  description: 'What the execution answers with, instead of what its last nodes gave.',
  schema: {
    type: 'object',
    properties: {
      template: { type: 'string', description: 'Liquid text.' },
      value: { description: 'Any JSON value in which strings may be Liquid; one that is no text is answered as JSON.' },
    },
  },
  compile({ template, value }: Config, compiler, { before }) {
    if (template !== undefined && value !== undefined) {
      compiler.problem('/value', 'not_both', `An output has either a 'template' or a 'value'.`)
    }
    if (template !== undefined) {
      const text = compiler.text(template, '/template')
      return { type: 'compute', run: (scope) => text.render(scope) }
    }
    if (value !== undefined) {
      const mapping = compiler.mapping(value, '/value')
      return { type: 'compute', run: (scope) => mapping.apply(scope) }
    }
    return { type: 'compute', run: (scope) => passOn(scope, before) }
  },
}
