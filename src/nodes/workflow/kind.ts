import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  workflow_id?: string
  workflow?: string
  query?: string
  input?: unknown
}

/** Its definition is put into the config when it is resolved, and planned with the workflow that it stands in. */
export const workflow: StepKind = {
  kind: 'workflow',
  title: 'Workflow',
  description:
    'Runs another workflow as a step, as that is when this one is deployed. It sees its own `query` and `input`, and the variables of the environment that this one runs in. Its output is what it answers with.',
  schema: {
    type: 'object',
    properties: {
      workflow_id: { type: 'string', format: 'uuid' },
      workflow: { type: 'string', minLength: 1, description: 'Its name, where no workflow_id is given; the newest version counts.' },
      query: { type: 'string', description: 'Liquid text; the query of this execution when not given.' },
      input: { description: 'Any JSON value in which strings may be Liquid; the input of this execution when not given.' },
    },
  },
  compile(config: Config, compiler) {
    const { query, input } = config
    const text = query === undefined ? undefined : compiler.text(query, '/query')
    const value = 'input' in config && input !== undefined ? compiler.mapping(input, '/input') : undefined
    return {
      type: 'workflow',
      query: (scope) => (text ? text.render(scope) : scope.query),
      input: (scope) => (value ? value.apply(scope) : scope.input),
    }
  },
}
