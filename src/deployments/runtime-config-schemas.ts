import { LARGEST_LIMITS } from '../graph/agent-limits.ts'
import { Type } from '../http/type.ts'

/** The parts of a runtime configuration that say what may be used, and who is told of failures. */

const tokens = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: 'Of input and output together.' }))
const cost = Type.Optional(Type.Number({ minimum: 0.000_001, maximum: LARGEST_LIMITS.max_cost, description: 'US dollars.' }))

const onExecution = Type.Enum(['stop', 'warn'])
const onDay = Type.Enum(['refuse', 'stop', 'warn'])

const perExecution = {
  additionalProperties: false,
  description:
    'What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so.',
}
const perDay = {
  additionalProperties: false,
  description:
    'What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so.',
}
const whole = {
  additionalProperties: false,
  description: 'What model calls may use: tokens, US dollars, or both.',
  examples: [{ per_execution: { tokens: 50_000 }, per_day: { cost: 20 } }],
}

/** As a deploy gives it. */
export const BudgetInput = Type.Object(
  {
    per_execution: Type.Optional(Type.Object({ tokens, cost, on_exceeded: Type.Optional(onExecution) }, perExecution)),
    per_day: Type.Optional(Type.Object({ tokens, cost, on_exceeded: Type.Optional(onDay) }, perDay)),
  },
  whole,
)

/** As it is shown. */
export const Budget = Type.Object(
  {
    per_execution: Type.Optional(Type.Object({ tokens, cost, on_exceeded: onExecution }, perExecution)),
    per_day: Type.Optional(Type.Object({ tokens, cost, on_exceeded: onDay }, perDay)),
  },
  whole,
)

const secretRule =
  'Write "{{ secrets.NAME }}": the secret itself, which everybody could read here, is stored with PUT /api/secrets/{environment}/{name}.'

export const OnFailure = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: 2_000,
      description: 'Where it is sent. `{{ secrets.NAME }}` in it stands for that secret.',
    }),
    secret: Type.String({
      pattern: '^\\s*\\{\\{-?\\s*secrets\\.[A-Z][A-Z0-9_]{0,63}\\s*-?\\}\\}\\s*$',
      description: 'What it is signed with.',
      'x-message': secretRule,
    }),
  },
  {
    additionalProperties: false,
    description: 'A webhook, signed as Standard Webhooks has it, for each execution that fails.',
    examples: [{ url: 'https://example.org/hooks', secret: '{{ secrets.HOOK }}' }],
  },
)
