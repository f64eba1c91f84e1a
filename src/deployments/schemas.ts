import { Type } from '../http/type.ts'
import { RateLimitSchema } from '../limits/schemas.ts'
import { DEFAULT_QUEUE, deploymentNamePattern, deploymentNameRule } from './deployment.ts'
import { Memory, MemoryInput } from './memory-schemas.ts'
import { Budget, BudgetInput, OnFailure } from './runtime-config-schemas.ts'
import { routeTagPattern, routeTagRule } from './routing.ts'
import { Id, Nullable, Time } from '../http/fields.ts'

export const DeploymentName = Type.String({
  pattern: deploymentNamePattern,
  description: deploymentNameRule,
  'x-message': deploymentNameRule,
  examples: ['support'],
})

const timeout = Type.Integer({ minimum: 1, maximum: 86_400, description: 'Seconds for the whole execution. Default 300.' })
const maxRetries = Type.Integer({ minimum: 0, maximum: 20, description: 'Retries of each step. Default 3.' })

const concurrencyLimit = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: 'Executions that run at a time. Those that wait for a person or a time do not count.',
})
const queue = Type.Integer({
  minimum: 0,
  maximum: 10_000,
  description: `Executions that may wait for their turn; what comes beyond them is 429. Default ${DEFAULT_QUEUE}.`,
})
const concurrency = 'How many executions of the deployment run at a time. Without it, as many as there is room for.'
const rateLimit = {
  ...RateLimitSchema,
  description: 'How many executions the deployment takes; what comes beyond them is 429. Without it, all.',
}

/** What a request may set otherwise for its execution. */
export const RuntimeOverrides = Type.Object(
  { timeout: Type.Optional(timeout), max_retries: Type.Optional(maxRetries) },
  { additionalProperties: false, examples: [{ timeout: 60, max_retries: 2 }] },
)

/** What a deploy gives of it; what it leaves out is the default. */
export const RuntimeConfigInput = Type.Object(
  {
    ...RuntimeOverrides.properties,
    concurrency: Type.Optional(
      Type.Object({ limit: concurrencyLimit, queue: Type.Optional(queue) }, { additionalProperties: false, description: concurrency }),
    ),
    rate_limit: Type.Optional(rateLimit),
    budget: Type.Optional(BudgetInput),
    memory: Type.Optional(MemoryInput),
    on_failure: Type.Optional(OnFailure),
  },
  { additionalProperties: false, examples: [{ timeout: 60, max_retries: 2, concurrency: { limit: 4, queue: 100 } }] },
)

export const RuntimeConfig = Type.Object({
  timeout,
  max_retries: maxRetries,
  concurrency: Type.Optional(Type.Object({ limit: concurrencyLimit, queue }, { description: concurrency })),
  rate_limit: Type.Optional(rateLimit),
  budget: Type.Optional(Budget),
  memory: Type.Optional(Memory),
  on_failure: Type.Optional(OnFailure),
})

export const RouteTag = Type.String({
  pattern: routeTagPattern,
  description: routeTagRule,
  'x-message': routeTagRule,
  examples: ['canary'],
})

export const EnvironmentQuery = Type.Object(
  {
    environment: Type.Optional(
      Type.String({
        description: 'Only this environment. Without it all are searched, in their configured order: development, then production.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Stop and reactivate take the environment in the body as well. */
export const EnvironmentBody = Type.Object({ environment: Type.Optional(Type.String()) }, { additionalProperties: false })

export const DeployBody = Type.Object(
  {
    deployment_name: DeploymentName,
    environment: Type.Optional(Type.String({ default: 'production' })),
    deployed_by: Type.Optional(Type.String({ maxLength: 200 })),
    runtime_config: Type.Optional(RuntimeConfigInput),
    force: Type.Optional(Type.Boolean({ description: 'Makes a release even if the very same one serves already.' })),
  },
  { additionalProperties: false, examples: [{ deployment_name: 'support', environment: 'production' }] },
)

export const InFlight = Type.Object({ queued: Type.Integer(), running: Type.Integer(), waiting: Type.Integer() })

export const Route = Type.Object(
  {
    release: Type.Integer({ minimum: 1, description: 'A release of this deployment.' }),
    percent: Type.Number({ minimum: 0, maximum: 100, description: 'Of the executions that name no release; with two decimals at most.' }),
    tag: Type.Optional(RouteTag),
  },
  { additionalProperties: false, title: 'Route' },
)

const deploymentFields = {
  deployment_id: Id,
  deployment_name: Type.String(),
  environment: Type.String(),
  status: Type.Enum(['active', 'inactive']),
  deployed_at: Time,
  deployed_by: Nullable(Type.String()),
  runtime_config: RuntimeConfig,
  stopped_at: Nullable(Time),
  execution_count: Type.Integer({ description: 'Executions that ended, in whatever state.' }),
  error_count: Type.Integer({ description: 'Executions that failed.' }),
  last_executed: Nullable(Time),
  last_error: Nullable(Type.String()),
  workflow: Type.Object(
    { workflow_id: Id, name: Type.String(), version: Type.String(), description: Nullable(Type.String()) },
    { description: 'The workflow as it was when the release was made.' },
  ),
  release: Type.Object(
    {
      number: Type.Integer(),
      digest: Type.String({ description: 'SHA-256 of the definition and the runtime configuration, in RFC 8785 form.' }),
      definition_digest: Type.String({ description: 'SHA-256 of the definition alone.' }),
      created_at: Time,
      created_by: Nullable(Type.String()),
    },
    { description: 'The release that executions run on; of several, the one that gets the most.' },
  ),
  traffic: Type.Array(Route, { description: 'How executions are divided among releases.' }),
}

export const Deployment = Type.Object(deploymentFields, { title: 'Deployment' })

export const Warning = Type.Object({ code: Type.String(), message: Type.String(), pointer: Type.Optional(Type.String()) })

export const DeployResponse = Type.Object({
  ...deploymentFields,
  warnings: Type.Array(Warning),
  unchanged: Type.Boolean({ description: 'True when the very same release served already, so that nothing was changed.' }),
})

export const DeploymentDetail = Type.Object({ ...deploymentFields, in_flight: InFlight }, { title: 'DeploymentDetail' })

export const ReactivateResponse = Type.Object({ message: Type.String(), ...deploymentFields })

export const DeleteResponse = Type.Object({ message: Type.String(), deployment_id: Id, environment: Type.String() })
