import { Type } from '../http/type.ts'
import { DeploymentName, RuntimeConfig, RuntimeOverrides } from '../deployments/schemas.ts'
import { Id, Nullable, Time, Tokens } from '../http/fields.ts'

const content = Type.String()
const speaker = Type.String({ description: 'Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system.' })

const HistoryItem = Type.Union(
  [
    Type.Object({ actor: speaker, content }, { additionalProperties: false }),
    Type.Object({ role: speaker, content }, { additionalProperties: false }),
  ],
  { 'x-message': `An item of 'chat_history' is {"role": "…", "content": "…"} or {"actor": "…", "content": "…"}.` },
)

const executeFields = {
  deployment_name: Type.Optional(DeploymentName),
  workflow_id: Type.Optional(
    Type.String({ description: 'Instead of a name: the most recently deployed active deployment of this workflow.', maxLength: 100 }),
  ),
  query: Type.String({ description: 'What the workflow is asked.' }),
  chat_history: Type.Optional(Type.Array(HistoryItem, { description: 'What was said before, oldest first.' })),
  runtime_overrides: Type.Optional(RuntimeOverrides),
  input: Type.Optional(Type.Unknown({ description: 'Anything; recorded with the execution.' })),
  session_id: Type.Optional(Type.String({ maxLength: 200 })),
  user_id: Type.Optional(Type.String({ maxLength: 200 })),
  environment: Type.Optional(
    Type.String({ description: 'Only this environment. Without it all are searched, in their configured order.' }),
  ),
}
const executeOptions = { additionalProperties: false, examples: [{ deployment_name: 'hello', query: 'What can you do?' }] }

export const ExecuteBody = Type.Object(
  {
    ...executeFields,
    on_disconnect: Type.Optional(
      Type.Enum(['continue', 'cancel'], { description: 'What happens when the client leaves before the end. Default: continue.' }),
    ),
  },
  executeOptions,
)

/** Nobody waits, so nobody can leave. */
export const BackgroundBody = Type.Object(executeFields, executeOptions)

const Failure = Type.Object({ code: Type.String(), message: Type.String() })

export const ExecuteResponse = Type.Object({
  status: Type.Literal('success'),
  response: Type.String(),
  execution_id: Id,
  workflow_id: Id,
  deployment_id: Id,
  deployment_name: Type.String(),
  environment: Type.String(),
  release: Type.Integer(),
  tokens: Tokens,
  demo: Type.Optional(Type.Boolean({ description: 'Present, and true, when a demo model took part.' })),
})

/** An execution that goes on in the background. */
export const AcceptedResponse = Type.Object({
  execution_id: Id,
  status: Type.Enum(['queued', 'running']),
  workflow_id: Id,
  deployment_id: Id,
  deployment_name: Type.String(),
  environment: Type.String(),
  release: Type.Integer(),
})

const summaryFields = {
  execution_id: Id,
  deployment_id: Id,
  deployment_name: Type.String(),
  environment: Type.String(),
  workflow_id: Id,
  release: Type.Integer(),
  status: Type.Enum(['queued', 'running', 'waiting', 'completed', 'failed', 'cancelled']),
  session_id: Nullable(Type.String()),
  user_id: Nullable(Type.String()),
  created_at: Time,
  started_at: Nullable(Time),
  ended_at: Nullable(Time),
  error: Nullable(Failure),
  tokens: Tokens,
  demo: Type.Boolean(),
}

export const ExecutionSummary = Type.Object(summaryFields, { title: 'ExecutionSummary' })

export const Execution = Type.Object(
  {
    ...summaryFields,
    query: Type.String(),
    chat_history: Type.Array(Type.Object({ role: Type.String(), content: Type.String() })),
    input: Type.Optional(Type.Unknown()),
    response: Nullable(Type.String()),
    api_key: Nullable(
      Type.Object({ key_id: Type.String(), name: Nullable(Type.String()) }, { description: 'The API key that it was started with.' }),
    ),
    runtime_config: RuntimeConfig,
    cost: Nullable(
      Type.Number({ description: 'US dollars, by the prices at the time. Null where the price of a model that it called is not known.' }),
    ),
    recoveries: Type.Integer({ description: 'How often the server ended while it ran this execution.' }),
  },
  { title: 'Execution' },
)

export const DeletedExecution = Type.Object({ message: Type.String(), execution_id: Id })

export const Step = Type.Object(
  {
    step_id: Type.String({ description: 'The same through all attempts.' }),
    kind: Type.String({ description: 'model: a call of a model. agent: a call of another agent, which holds steps of its own.' }),
    name: Type.String(),
    status: Type.Enum(['running', 'completed', 'failed', 'cancelled']),
    model: Nullable(Type.String()),
    attempts: Type.Array(
      Type.Object({ number: Type.Integer(), started_at: Time, ended_at: Nullable(Time), error: Type.Optional(Failure) }),
    ),
    input: Type.Unknown(),
    output: Type.Unknown(),
    tokens: Nullable(Tokens),
    cost: Nullable(Type.Number({ description: 'US dollars, by the prices at the time; null where they are not known.' })),
    demo: Type.Boolean(),
  },
  { title: 'Step' },
)
