import { Type } from '../http/type.ts'
import { Deployment } from '../deployments/schemas.ts'
import { FreeForm } from '../http/free-form.ts'
import { Id, Nullable, Time } from '../http/fields.ts'

export const Configuration = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  description:
    'Agents and the connections between them; everything else in it is kept as it comes. It may be unfinished: a deploy checks it.',
  examples: [
    {
      agents: [{ agent_id: 'assistant', agent_type: 'CommandAgent', config: { model: 'demo/assistant', system_prompt: 'You help.' } }],
      connections: [],
    },
  ],
})

const name = Type.String({ minLength: 1, maxLength: 200 })
const version = Type.String({ minLength: 1, maxLength: 50 })
const description = Type.String({ maxLength: 10_000 })
const tags = Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 })
const person = Type.String({ maxLength: 200 })

export const CreateBody = Type.Object(
  {
    name,
    configuration: Configuration,
    description: Type.Optional(description),
    version: Type.Optional({ ...version, default: '1.0.0' }),
    tags: Type.Optional(tags),
    created_by: Type.Optional(person),
    is_active: Type.Optional(Type.Boolean({ default: true })),
    is_editable: Type.Optional(Type.Boolean({ default: true })),
  },
  { additionalProperties: false },
)

export const UpdateBody = Type.Object(
  {
    name: Type.Optional(name),
    configuration: Type.Optional(Configuration),
    description: Type.Optional(description),
    version: Type.Optional(version),
    tags: Type.Optional(tags),
    created_by: Type.Optional(person),
    is_active: Type.Optional(Type.Boolean()),
    is_editable: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

export const ListQuery = Type.Object(
  {
    skip: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    is_active: Type.Optional(Type.Boolean()),
    is_deployed: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const nodeId = Type.String({ minLength: 1, maxLength: 200 })

export const AddAgentBody = Type.Object(
  {
    agent_id: Type.String({ minLength: 1, maxLength: 200, description: 'The id or the name of a registered agent.' }),
    node_id: Type.String({ minLength: 1, maxLength: 200, description: 'What the agent is called within this workflow.' }),
    position_x: Type.Optional(Type.Number()),
    position_y: Type.Optional(Type.Number()),
    agent_config: Type.Optional(FreeForm),
    workflow_id: Type.Optional(Id),
  },
  { additionalProperties: false },
)

export const AddConnectionBody = Type.Object(
  {
    source_agent_id: nodeId,
    target_agent_id: nodeId,
    connection_type: Type.Optional(Type.String({ minLength: 1, maxLength: 50, default: 'default' })),
    conditions: Type.Optional(FreeForm),
    priority: Type.Optional(Type.Integer()),
    source_handle: Type.Optional(Type.String({ maxLength: 200 })),
    target_handle: Type.Optional(Type.String({ maxLength: 200 })),
    workflow_id: Type.Optional(Id),
  },
  { additionalProperties: false },
)

export const WorkflowAgent = Type.Object(
  {
    workflow_id: Id,
    agent_id: Type.String(),
    node_id: Type.String(),
    position_x: Nullable(Type.Number()),
    position_y: Nullable(Type.Number()),
    agent_config: FreeForm,
    agent: Type.Object({ agent_id: Nullable(Type.String()), name: Type.String(), agent_type: Type.String() }),
  },
  { title: 'WorkflowAgent' },
)

export const WorkflowConnection = Type.Object(
  {
    workflow_id: Id,
    source_agent_id: Type.String(),
    target_agent_id: Type.String(),
    connection_type: Type.String(),
    conditions: Type.Unknown(),
    priority: Type.Number(),
    source_handle: Nullable(Type.String()),
    target_handle: Nullable(Type.String()),
  },
  { title: 'WorkflowConnection' },
)

export const Workflow = Type.Object(
  {
    workflow_id: Id,
    name: Type.String(),
    version: Type.String(),
    description: Nullable(Type.String()),
    configuration: FreeForm,
    tags: Nullable(Type.Array(Type.String())),
    created_by: Nullable(Type.String()),
    is_active: Type.Boolean(),
    is_editable: Type.Boolean(),
    is_deployed: Type.Boolean({ description: 'Whether an active deployment serves it.' }),
    deployed_at: Nullable(Time),
    created_at: Time,
    updated_at: Time,
    workflow_agents: Type.Array(WorkflowAgent),
    workflow_connections: Type.Array(WorkflowConnection),
    workflow_deployments: Type.Array(Deployment),
  },
  { title: 'Workflow' },
)

const Issue = Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() })
const Remark = Type.Object({ code: Type.String(), message: Type.String(), pointer: Type.Optional(Type.String()) })

export const ValidateResponse = Type.Object({ valid: Type.Boolean(), errors: Type.Array(Issue), warnings: Type.Array(Remark) })
export const DeleteResponse = Type.Object({ message: Type.String(), workflow_id: Id })
