import { Type } from '../http/type.ts'
import { executedRelease } from '../deployments/release-schemas.ts'
import { RouteChange } from '../deployments/traffic-schemas.ts'
import { DeploymentName, Route, RouteTag, RuntimeConfig, RuntimeOverrides } from '../deployments/schemas.ts'
import { Id, Nullable, Time, Tokens } from '../http/fields.ts'
import { Webhook } from '../webhooks/view.ts'

const content = Type.String()
const speaker = Type.String({ description: 'Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system.' })

const HistoryItem = Type.Union(
  [
    Type.Object({ actor: speaker, content }, { additionalProperties: false }),
    Type.Object({ role: speaker, content }, { additionalProperties: false }),
  ],
  { 'x-message': `An item of 'chat_history' is {"role": "…", "content": "…"} or {"actor": "…", "content": "…"}.` },
)

const questionFields = {
  query: Type.String({ description: 'What the workflow is asked.' }),
  chat_history: Type.Optional(
    Type.Array(HistoryItem, {
      description: 'What was said before, oldest first. Where it is given, nothing of the session is remembered.',
    }),
  ),
  runtime_overrides: Type.Optional(RuntimeOverrides),
  input: Type.Optional(Type.Unknown({ description: 'Anything; recorded with the execution.' })),
  session_id: Type.Optional(
    Type.String({
      maxLength: 200,
      pattern: '^[^\\u0000-\\u001f\\u007f]*$',
      'x-message': 'A session_id has up to 200 characters, none of them a control character.',
      description:
        'A conversation: its executions run one after the other, and each sees the questions and answers before it. An empty one is none.',
    }),
  ),
  user_id: Type.Optional(Type.String({ maxLength: 200 })),
  environment: Type.Optional(
    Type.String({ description: 'Only this environment. Without it all are searched, in their configured order.' }),
  ),
}

const executeFields = {
  deployment_name: Type.Optional(DeploymentName),
  workflow_id: Type.Optional(
    Type.String({ description: 'Instead of a name: the most recently deployed active deployment of this workflow.', maxLength: 100 }),
  ),
  ...questionFields,
  release: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: 'Only this release, which must have a route, of 0 % if need be. Without it, as the traffic is divided.',
    }),
  ),
  tag: Type.Optional({ ...RouteTag, description: 'Instead of a release: the route that has this tag.' }),
}
const executeOptions = { additionalProperties: false, examples: [{ deployment_name: 'hello', query: 'What can you do?' }] }

const onDisconnect = {
  on_disconnect: Type.Optional(
    Type.Enum(['continue', 'cancel'], { description: 'What happens when the client leaves before the end. Default: continue.' }),
  ),
}

export const ExecuteBody = Type.Object({ ...executeFields, ...onDisconnect }, executeOptions)

/** Nobody waits, so nobody can leave. */
export const BackgroundBody = Type.Object(executeFields, executeOptions)

const draftFields = {
  ...questionFields,
  environment: Type.Optional(
    Type.String({ description: 'Whose secrets and variables it has. Without it the first one in their configured order: development.' }),
  ),
}
const draftOptions = { additionalProperties: false, examples: [{ query: 'What can you do?' }] }

/** To run a draft. */
export const QuestionBody = Type.Object({ ...draftFields, ...onDisconnect }, draftOptions)
export const BackgroundQuestionBody = Type.Object(draftFields, draftOptions)

const test = Type.Boolean({
  description: "Whether it runs a workflow's draft: then it belongs to no deployment, whose name and id are empty, and its release is 0.",
})

const DeploymentId = Type.String({ description: 'A UUID; empty where a draft is run.' })

const Failure = Type.Object({ code: Type.String(), message: Type.String() })

export const ExecuteResponse = Type.Object({
  status: Type.Literal('success'),
  response: Type.String(),
  execution_id: Id,
  workflow_id: Id,
  deployment_id: DeploymentId,
  deployment_name: Type.String(),
  environment: Type.String(),
  release: Type.Integer(),
  tokens: Tokens,
  demo: Type.Optional(Type.Boolean({ description: 'Present, and true, when a demo model took part.' })),
  test: Type.Optional(Type.Boolean({ description: 'Present, and true, when it ran a draft.' })),
})

/** An execution that goes on in the background. */
export const AcceptedResponse = Type.Object({
  execution_id: Id,
  status: Type.Enum(['queued', 'running']),
  workflow_id: Id,
  deployment_id: DeploymentId,
  deployment_name: Type.String(),
  environment: Type.String(),
  release: Type.Integer(),
  test: Type.Optional(Type.Boolean({ description: 'Present, and true, when it runs a draft.' })),
})

const summaryFields = {
  execution_id: Id,
  deployment_id: DeploymentId,
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
  test,
  parent_id: Nullable({ ...Id, description: 'The execution that began it, by a connection of type `notification`.' }),
}

export const ExecutionSummary = Type.Object(summaryFields, { title: 'ExecutionSummary' })

const Routing = Type.Object(
  {
    release: Type.Object(executedRelease),
    chosen_by: Type.Enum(['only_route', 'session', 'lot', 'release', 'tag', 'live'], {
      description:
        'How the release was found. `session`: by the bucket of its `session_id`; `lot`: by a bucket of its own, without a session; `release`, `tag`: the request named it; `live`: the request named a workflow, which the release of its bucket is not of.',
    }),
    route: Nullable(Type.Object(Route.properties, { description: 'The route that it took, as it was then.' })),
    bucket: Nullable(Type.Integer({ description: 'From 0 to 9999; null where there was nothing to choose.' })),
    change: Nullable(Type.Object(RouteChange.properties, { description: 'The change of the routes that it was accepted under.' })),
  },
  { description: 'Why it ran this release. Null for one of a draft, which runs none.' },
)

export const Execution = Type.Object(
  {
    ...summaryFields,
    query: Type.String(),
    chat_history: Type.Array(Type.Object({ role: Type.String(), content: Type.String() }), {
      description: 'What was said before, as the execution sees it: with what is remembered of its session.',
    }),
    remembered_turns: Type.Integer({ description: 'How many questions and their answers are remembered of its session.' }),
    input: Type.Optional(Type.Unknown()),
    response: Nullable(Type.String()),
    api_key: Nullable(
      Type.Object({ key_id: Type.String(), name: Nullable(Type.String()) }, { description: 'The API key that it was started with.' }),
    ),
    runtime_config: RuntimeConfig,
    routing: Nullable(Routing),
    cost: Nullable(
      Type.Number({ description: 'US dollars, by the prices at the time. Null where the price of a model that it called is not known.' }),
    ),
    webhooks: Type.Optional(
      Type.Array(Webhook, { description: 'Where the release has `on_failure`: what was sent about its failures, the newest first.' }),
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
