import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  cases?: { name: string; when: string }[]
  otherwise?: string
}

export const branch: StepKind = {
  kind: 'branch',
  title: 'Branch',
  description: 'Follows the first case whose condition holds. Connections leave it by the name of a case as their source_handle.',
  schema: {
    type: 'object',
    required: ['cases'],
    properties: {
      cases: {
        type: 'array',
        minItems: 1,
        maxItems: 1_000,
        items: {
          type: 'object',
          required: ['name', 'when'],
          properties: {
            name: { type: 'string', minLength: 1, maxLength: 128 },
            when: { type: 'string', description: 'A Liquid expression, such as steps.fetch.output.total > 100.' },
          },
        },
      },
      otherwise: { type: 'string', minLength: 1, maxLength: 128, description: 'The case when none holds; "otherwise" when not given.' },
    },
  },
  compile({ cases = [], otherwise = 'otherwise' }: Config, compiler) {
    const handles = [...cases.map(({ name }) => name), otherwise]
    for (const [index, name] of handles.entries()) {
      if (handles.indexOf(name) === index && name !== 'error') continue
      const pointer = index < cases.length ? `/cases/${index}/name` : '/otherwise'
      compiler.problem(pointer, 'case_taken', `A case is named '${name}' already, or that name has a meaning of its own. Choose another.`)
    }
    const conditions = cases.map(({ name, when }, index) => ({ name, condition: compiler.condition(when, `/cases/${index}/when`) }))
    return {
      type: 'compute',
      ways: { names: handles, of: ({ case: name }: { case: string }) => ({ name }) },
      run: (scope) => ({ case: conditions.find(({ condition }) => condition.evaluate(scope))?.name ?? otherwise }),
    }
  },
}
