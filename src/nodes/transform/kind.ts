import { passOn } from '../pass-on.ts'
import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  template?: string
  mapping?: unknown
}

export const transform: StepKind = {
  kind: 'transform',
  title: 'Transform',
  description: 'Makes a text or a JSON value of what is there: the input and what the steps before gave.',
  schema: {
    type: 'object',
    properties: {
      template: { type: 'string', description: 'Liquid text; the output is the text that it gives.' },
      mapping: {
        description:
          'Any JSON value in which strings may be Liquid. A string that is exactly one {{ expression }} gives the value itself, of whatever type.',
      },
    },
  },
  compile({ template, mapping }: Config, compiler, { before }) {
    if (template !== undefined && mapping !== undefined) {
      compiler.problem('/mapping', 'not_both', `A transform has either a 'template' or a 'mapping'.`)
    }
    if (template !== undefined) {
      const text = compiler.text(template, '/template')
      return { type: 'compute', run: (scope) => text.render(scope) }
    }
    if (mapping !== undefined) {
      const value = compiler.mapping(mapping, '/mapping')
      return { type: 'compute', run: (scope) => value.apply(scope) }
    }
    // As in definitions that only mark where data comes in, or where branches meet.
    return { type: 'compute', run: (scope) => passOn(scope, before) }
  },
}
