import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  items: unknown
  concurrency?: number
  item_name?: string
  on_error?: 'fail' | 'continue'
}

export const map: StepKind = {
  kind: 'map',
  title: 'Map',
  description:
    'Runs its body once for each item of a list, several at a time. The body is what its source_handle `body` leads to; what leads back to it gives the result of an item.',
  schema: {
    type: 'object',
    required: ['items'],
    properties: {
      items: { description: 'A list, or one {{ expression }} that gives a list.' },
      concurrency: { type: 'integer', minimum: 1, maximum: 100, default: 5, description: 'How many items are at work at a time.' },
      item_name: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,63}$', default: 'item', description: 'What the body calls its item.' },
      on_error: {
        enum: ['fail', 'continue'],
        default: 'fail',
        description: 'Whether an item that fails fails the step, or gives null.',
      },
    },
  },
  compile({ items, concurrency = 5, item_name = 'item', on_error = 'fail' }: Config, compiler) {
    const value = compiler.mapping(items, '/items')
    if (TAKEN.has(item_name)) compiler.problem('/item_name', 'name_taken', `'${item_name}' has a meaning of its own. Choose another name.`)
    return {
      type: 'map',
      items: (scope) => value.apply(scope),
      concurrency,
      itemName: item_name,
      keepsGoing: on_error === 'continue',
    }
  },
}

/** Names of the scope. */
const TAKEN = new Set(['input', 'query', 'chat_history', 'variables', 'steps', 'now', 'execution', 'index', 'secrets'])
