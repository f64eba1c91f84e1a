import type { Static } from 'typebox'
import { Type } from '../http/type.ts'
import { AgentNotFound, InvalidInput } from '../errors.ts'
import { checkAgentConfig } from '../graph/check-agent-config.ts'
import type { App } from '../http/app.ts'
import { FreeForm } from '../http/free-form.ts'
import { checkKey } from '../secrets/check-references.ts'
import type { Studio } from '../studio.ts'
import { toAgentView } from './agent.ts'
import { createAgent, deleteAgent, findAgent, findAgentByName, listAgents, listAvailableAgents, updateAgent } from './repository.ts'
import { Id, Nullable, Time } from '../http/fields.ts'

const tags = ['agents']
const Config = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  description:
    'model, system_prompt, temperature, max_tokens, top_p, stop, max_retries, api. A node of a workflow that uses this agent overrides what its own config names.',
  examples: [{ model: 'gpt-4o', system_prompt: 'You answer questions about orders.', temperature: 0.2 }],
})

const fields = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  agent_type: Type.String({ minLength: 1, maxLength: 200, description: 'What kind of agent it is. Default: its name.' }),
  description: Type.String({ maxLength: 10_000, description: 'Other agents read it to decide whether to call this one.' }),
  config: Config,
  available_for_deployment: Type.Boolean({ default: true }),
}

const CreateBody = Type.Object(
  {
    name: fields.name,
    agent_type: Type.Optional(fields.agent_type),
    description: Type.Optional(fields.description),
    config: Type.Optional(fields.config),
    available_for_deployment: Type.Optional(fields.available_for_deployment),
  },
  { additionalProperties: false },
)
const UpdateBody = Type.Object(
  {
    name: Type.Optional(fields.name),
    agent_type: Type.Optional(fields.agent_type),
    description: Type.Optional(fields.description),
    config: Type.Optional(fields.config),
    available_for_deployment: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const Agent = Type.Object(
  {
    agent_id: Id,
    name: Type.String(),
    agent_type: Type.String(),
    description: Nullable(Type.String()),
    config: FreeForm,
    available_for_deployment: Type.Boolean(),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Agent' },
)

const IdParams = Type.Object({ agent_id: Id })

export function registerAgentRoutes(app: App, { store, clock }: Studio): void {
  app.post(
    '/api/agents',
    {
      config: { scope: 'workflow:write', nullIsAbsent: true },
      schema: { operationId: 'createAgent', summary: 'Register an agent', tags, body: CreateBody, response: { 200: Agent } },
    },
    async (request) => {
      const { name, agent_type, description, config, available_for_deployment } = request.body
      refuseBadConfig(config)
      const now = clock.now()
      const agent = {
        agent_id: clock.id(),
        name,
        agent_type: agent_type ?? name,
        description: description ?? null,
        config: JSON.stringify(config ?? {}),
        available_for_deployment: available_for_deployment === false ? 0 : 1,
        created_at: now,
        updated_at: now,
      }
      return toAgentView(await store.write(createAgent, agent, request.origin))
    },
  )

  app.get(
    '/api/agents',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listAgents',
        summary: 'List the registered agents',
        tags,
        querystring: Type.Object(
          {
            skip: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Array(Agent) },
      },
    },
    async (request) => (await listAgents(store.read, { skip: 0, limit: 100, ...request.query })).map(toAgentView),
  )

  app.get(
    '/api/agents/deployment/available',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listAvailableAgents',
        summary: 'List the agents that workflows may use',
        tags,
        response: { 200: Type.Array(Agent) },
      },
    },
    async () => (await listAvailableAgents(store.read)).map(toAgentView),
  )

  app.get(
    '/api/agents/name/:name',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'getAgentByName',
        summary: 'Look at an agent, by its name',
        tags,
        params: Type.Object({ name: Type.String() }),
        response: { 200: Agent },
      },
    },
    async (request) => toAgentView(found(await findAgentByName(store.read, request.params.name), request.params.name)),
  )

  app.get(
    '/api/agents/:agent_id',
    {
      config: { scope: 'workflow:read' },
      schema: { operationId: 'getAgent', summary: 'Look at an agent', tags, params: IdParams, response: { 200: Agent } },
    },
    async (request) => toAgentView(found(await findAgent(store.read, request.params.agent_id), request.params.agent_id)),
  )

  app.put(
    '/api/agents/:agent_id',
    {
      config: { scope: 'workflow:write', nullIsAbsent: true },
      schema: {
        operationId: 'updateAgent',
        summary: 'Change an agent',
        description: 'Changes only the fields sent. Releases that exist keep the agent as it was.',
        tags,
        params: IdParams,
        body: UpdateBody,
        response: { 200: Agent },
      },
    },
    async (request) => {
      refuseBadConfig(request.body.config)
      const changes = { ...toColumns(request.body), updated_at: clock.now() }
      return toAgentView(await store.write(updateAgent, { agent_id: request.params.agent_id, changes }, request.origin))
    },
  )

  app.delete(
    '/api/agents/:agent_id',
    {
      config: { scope: 'workflow:write' },
      schema: {
        operationId: 'deleteAgent',
        summary: 'Remove an agent from the register',
        description: 'Releases that exist keep the agent as it was.',
        tags,
        params: IdParams,
        response: { 200: Type.Object({ message: Type.String(), agent_id: Id }) },
      },
    },
    async (request) => {
      const { agent_id } = request.params
      await store.write(deleteAgent, { agent_id, now: clock.now() }, request.origin)
      return { message: 'Agent deleted successfully', agent_id }
    },
  )
}

function found<Row>(row: Row | undefined, agent: string): Row {
  if (!row) throw new AgentNotFound({ agent })
  return row
}

/** A workflow may be saved unfinished, but an agent is used by many: what it says must be right. */
function refuseBadConfig(config: Record<string, unknown> | undefined): void {
  const errors = [...checkAgentConfig(config ?? {}, '/config'), ...checkKey(config, '/config')]
  if (errors.length > 0) throw new InvalidInput({ errors })
}

function toColumns({ config, available_for_deployment, ...plain }: Static<typeof UpdateBody>) {
  return {
    ...plain,
    ...(config !== undefined && { config: JSON.stringify(config) }),
    ...(available_for_deployment !== undefined && { available_for_deployment: available_for_deployment ? 1 : 0 }),
  }
}
