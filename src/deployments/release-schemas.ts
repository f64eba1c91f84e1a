import { Id, Nullable, Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import { Statistics } from './traffic-schemas.ts'
import { DeploymentName, EnvironmentQuery, RuntimeConfig } from './schemas.ts'

export const ReleaseParams = Type.Object({
  deployment_name: DeploymentName,
  number: Type.Integer({ minimum: 1, description: 'The number of the release.' }),
})

const Source = Type.Object({ deployment_name: Type.String(), environment: Type.String(), release: Type.Integer() })

const releaseFields = {
  number: Type.Integer(),
  digest: Type.String({ description: 'SHA-256 of the definition and the runtime configuration, in RFC 8785 form.' }),
  definition_digest: Type.String({ description: 'SHA-256 of the definition alone: the same wherever it was promoted to.' }),
  note: Nullable(Type.String({ description: 'What its maker says of it.' })),
  created_at: Time,
  created_by: Nullable(Type.String({ description: 'Who is said to have made it.' })),
  api_key: Nullable(
    Type.Object({ key_id: Type.String(), name: Nullable(Type.String()) }, { description: 'The key that it was made with.' }),
  ),
  made_by: Type.Enum(['deploy', 'promotion', 'runtime_config'], {
    description: 'Of a workflow (deploy), of a release elsewhere (promotion), or of the live one with another runtime configuration.',
  }),
  made_from: Nullable({ ...Source, description: 'The release whose definition it has, where it was not made of a workflow.' }),
  proposal_id: Nullable({ ...Id, description: 'The proposal that a second key approved.' }),
  workflow: Type.Object(
    { workflow_id: Id, name: Type.String(), version: Type.String(), description: Nullable(Type.String()) },
    { description: 'As it was when the release was made.' },
  ),
  runtime_config: RuntimeConfig,
  live: Type.Boolean({ description: 'Whether it is the one that most executions go to.' }),
  traffic: Nullable(
    Type.Object(
      { percent: Type.Number(), tag: Type.Optional(Type.String()) },
      { description: 'What of the executions goes to it now; null: nothing does.' },
    ),
  ),
}

const { runtime_config: _config, live: _live, traffic: _traffic, ...lasting } = releaseFields
/** What an execution tells of its release: what it was made of and by whom. The configuration is its own. */
export const executedRelease = lasting

export const Release = Type.Object(releaseFields, { title: 'Release' })

export const ReleaseDetail = Type.Object(
  {
    deployment_name: Type.String(),
    environment: Type.String(),
    ...releaseFields,
    references: Type.Object(
      { secrets: Type.Array(Type.String()), variables: Type.Array(Type.String()), provider_keys: Type.Array(Type.String()) },
      { description: 'What the definition refers to in its environment, by name. Values are never shown.' },
    ),
    statistics: Statistics,
    definition: Type.Unknown({
      description:
        'All that an execution depends on: agents with models and prompts, steps, connections, tools with the schemas that were recorded of them, and the workflows that steps run.',
    }),
  },
  { title: 'ReleaseDetail' },
)

export const DiffQuery = Type.Object(
  {
    ...EnvironmentQuery.properties,
    from: Type.Optional(Type.Integer({ minimum: 1, description: 'A release. Default: the live one.' })),
    to: Type.Optional(
      Type.String({
        pattern: '^(?:draft|[1-9]\\d{0,8})$',
        'x-message': "'to' is the number of a release, or draft for the workflow as it is now.",
        description: 'A release, or `draft`: the workflow as it would be deployed now. Default: the live release of the other deployment.',
      }),
    ),
    to_environment: Type.Optional(Type.String({ description: 'Where the other deployment is. Default: the same environment.' })),
    to_name: Type.Optional({ ...DeploymentName, description: 'The name of the other deployment. Default: the same.' }),
  },
  { additionalProperties: false },
)

const Place = Type.Object(
  {
    pointer: Type.String({ description: 'RFC 6901, into the later definition; of what was removed, into the earlier one.' }),
    change: Type.Enum(['added', 'removed', 'changed', 'reordered']),
    before: Type.Optional(Type.Unknown()),
    after: Type.Optional(Type.Unknown()),
    diff: Type.Optional(Type.String({ description: 'Of a long text: hunks of a unified diff.' })),
    truncated: Type.Optional(Type.Literal(true, { description: 'What is here is not all of it.' })),
  },
  { title: 'Difference' },
)

const change = Type.Enum(['added', 'removed', 'changed'])
const within = Type.Optional(Type.Array(Type.String(), { description: 'Ids of the steps that run the workflow which it stands in.' }))
const counts = Type.Object({ added: Type.Integer(), removed: Type.Integer(), changed: Type.Integer() })
const names = Type.Object({ added: Type.Array(Type.String()), removed: Type.Array(Type.String()) })

const Side = Type.Object({
  deployment_name: Type.String(),
  environment: Type.String(),
  release: Nullable(Type.Integer({ description: 'Null for what is no release yet.' })),
  workflow_id: Id,
  digest: Type.String(),
  definition_digest: Type.String(),
})

export const ReleaseDiff = Type.Object(
  {
    from: Side,
    to: Side,
    identical: Type.Boolean({ description: 'Whether both have the same digest, so that executions run the same.' }),
    counts: Type.Object({ nodes: counts, connections: counts, settings: Type.Integer() }),
    nodes: Type.Array(
      Type.Object({
        change,
        node: Type.Enum(['agent', 'step']),
        id: Type.String(),
        within,
        type: Nullable(Type.String()),
        pointer: Type.String(),
        differences: Type.Array(Place),
      }),
    ),
    connections: Type.Array(
      Type.Object({
        change,
        source: Type.String(),
        target: Type.String(),
        connection_type: Type.String(),
        within,
        pointer: Type.String(),
        differences: Type.Array(Place),
      }),
    ),
    settings: Type.Array(Place, { description: 'What stands beside nodes and connections.' }),
    runtime_config: Type.Array(Place),
    references: Type.Object({ secrets: names, variables: names }),
    truncated: Type.Boolean({ description: 'There is more than is listed; `counts` counts all of it.' }),
  },
  { title: 'ReleaseDiff' },
)
