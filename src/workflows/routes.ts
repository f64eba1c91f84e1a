import type { Static } from 'typebox'
import { environmentsWithin, holds, reaches, type Caller } from '../access/caller.ts'
import { Type } from '../http/type.ts'
import { allAgents } from '../agents/repository.ts'
import { toRegisteredAgent } from '../agents/agent.ts'
import { listDeploymentsOfWorkflows } from '../deployments/repository.ts'
import { InvalidInput, WorkflowDeployed, type StudioError } from '../errors.ts'
import { knownEnvironment } from '../environments.ts'
import type { App } from '../http/app.ts'
import type { WorkflowRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { addAgent, addConnection, changeWorkflow } from './edit.ts'
import { createWorkflow, deleteWorkflow, getWorkflow, listWorkflows } from './repository.ts'
import { newWorkflow } from './new-workflow.ts'
import { resolveWorkflow } from './resolve-workflow.ts'
import {
  AddAgentBody,
  AddConnectionBody,
  CreateBody,
  DeleteResponse,
  ListQuery,
  UpdateBody,
  ValidateResponse,
  Workflow,
  WorkflowAgent,
  WorkflowConnection,
} from './schemas.ts'
import { toWorkflowView, type WorkflowView } from './view.ts'

const tags = ['workflows']
const IdParams = Type.Object({ workflow_id: Type.String({ format: 'uuid' }) })

export function registerWorkflowRoutes(app: App, studio: Studio): void {
  const { store, clock, environments } = studio

  const show = async (caller: Caller, rows: WorkflowRow[]): Promise<WorkflowView[]> => {
    const registered = (await allAgents(store.read)).map(toRegisteredAgent)
    const deployments = Map.groupBy(
      await listDeploymentsOfWorkflows(
        store.read,
        caller,
        rows.map((row) => row.workflow_id),
      ),
      (one) => one.workflow_id,
    )
    return rows.map((row) => toWorkflowView(row, deployments.get(row.workflow_id) ?? [], registered))
  }
  const showOne = async (caller: Caller, row: WorkflowRow): Promise<WorkflowView> => (await show(caller, [row]))[0]!

  app.post(
    '/api/workflows',
    {
      config: { scope: 'workflow:write', nullIsAbsent: true },
      schema: { operationId: 'createWorkflow', summary: 'Create a workflow', tags, body: CreateBody, response: { 200: Workflow } },
    },
    async (request) => {
      const row = newWorkflow(request.body, clock.id(), clock.now())
      return showOne(request.caller, await store.write(createWorkflow, row, request.origin))
    },
  )

  app.get(
    '/api/workflows',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listWorkflows',
        summary: 'List workflows',
        description: 'In the order in which they were created.',
        tags,
        querystring: ListQuery,
        response: { 200: Type.Array(Workflow) },
      },
    },
    async ({ caller, query }) => show(caller, await listWorkflows(store.read, { reach: caller, skip: 0, limit: 100, ...query })),
  )

  app.get(
    '/api/workflows/:workflow_id',
    {
      config: { scope: 'workflow:read' },
      schema: { operationId: 'getWorkflow', summary: 'Look at a workflow', tags, params: IdParams, response: { 200: Workflow } },
    },
    async ({ caller, params }) => showOne(caller, await getWorkflow(store.read, params.workflow_id)),
  )

  app.put(
    '/api/workflows/:workflow_id',
    {
      config: { scope: 'workflow:write', nullIsAbsent: true },
      schema: {
        operationId: 'updateWorkflow',
        summary: 'Change a workflow',
        description: 'Changes only the fields sent. What is deployed stays as it is until the next deploy.',
        tags,
        params: IdParams,
        body: UpdateBody,
        response: { 200: Workflow },
      },
    },
    async ({ caller, params, body, origin }) => showOne(caller, await changeWorkflow(studio, params.workflow_id, toColumns(body), origin)),
  )

  app.delete(
    '/api/workflows/:workflow_id',
    {
      config: { scope: 'workflow:write' },
      schema: {
        operationId: 'deleteWorkflow',
        summary: 'Delete a workflow',
        description: 'Its stopped deployments stay usable. While a deployment of it is active it cannot be deleted.',
        tags,
        params: IdParams,
        response: { 200: DeleteResponse },
      },
    },
    async (request) => {
      const { workflow_id } = request.params
      await store.write(deleteWorkflow, { workflow_id, now: clock.now() }, request.origin).catch((error: unknown) => {
        throw error instanceof WorkflowDeployed ? seenBy(request.caller, error) : error
      })
      return { message: 'Workflow deleted successfully', workflow_id }
    },
  )

  app.post(
    '/api/workflows/:workflow_id/agents',
    {
      config: { scope: 'workflow:write', nullIsAbsent: true },
      schema: {
        operationId: 'addAgent',
        summary: 'Add an agent to a workflow',
        tags,
        params: IdParams,
        body: AddAgentBody,
        response: { 200: WorkflowAgent },
      },
    },
    (request) => {
      const { workflow_id, ...node } = request.body
      refuseOtherWorkflow(request.params.workflow_id, workflow_id)
      return addAgent(studio, request.params.workflow_id, node, request.origin)
    },
  )

  app.post(
    '/api/workflows/:workflow_id/connections',
    {
      config: { scope: 'workflow:write', nullIsAbsent: true },
      schema: {
        operationId: 'addConnection',
        summary: 'Add a connection to a workflow',
        description: 'Its ends may be added later; a deploy checks them.',
        tags,
        params: IdParams,
        body: AddConnectionBody,
        response: { 200: WorkflowConnection },
      },
    },
    (request) => {
      const { workflow_id, ...connection } = request.body
      refuseOtherWorkflow(request.params.workflow_id, workflow_id)
      const item = { connection_type: 'default', ...connection }
      return addConnection(studio, request.params.workflow_id, item, request.origin)
    },
  )

  app.post(
    '/api/workflows/:workflow_id/validate',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'validateWorkflow',
        summary: 'Check whether a workflow could be deployed',
        description:
          'Every problem of the definition with the place of each. With `environment`, also whether that has the secrets and variables that it refers to. Tools that other servers list with the help of secrets are asked for with a key that has the scope `deploy` as well. Changes nothing.',
        tags,
        params: IdParams,
        querystring: Type.Object({ environment: Type.Optional(Type.String()) }, { additionalProperties: false }),
        response: { 200: ValidateResponse },
      },
    },
    async (request) => {
      const { environment } = request.query
      if (environment !== undefined) knownEnvironment(environmentsWithin(request.caller, environments), environment, '?environment')
      const workflow = await getWorkflow(store.read, request.params.workflow_id)
      // Whoever may edit a workflow says where its secrets go; to send them is for those who may deploy it.
      const isProtected = environment !== undefined && studio.protections.has(environment)
      const withSecrets = holds(request.caller, 'deploy') && !isProtected
      const { problems, warnings } = await resolveWorkflow(studio, workflow, environment, { withSecrets })
      return { valid: problems.length === 0, errors: problems, warnings }
    },
  )
}

function toColumns({ configuration, tags: newTags, is_active, is_editable, ...plain }: Static<typeof UpdateBody>) {
  return {
    ...plain,
    ...(configuration !== undefined && { configuration: JSON.stringify(configuration) }),
    ...(newTags !== undefined && { tags: JSON.stringify(newTags) }),
    ...(is_active !== undefined && { is_active: is_active ? 1 : 0 }),
    ...(is_editable !== undefined && { is_editable: is_editable ? 1 : 0 }),
  }
}

/** That there are active deployments is said, but not which, of those that the caller cannot see. */
function seenBy(caller: Caller, refusal: StudioError): StudioError {
  const { workflow_id, deployments } = refusal.details as ConstructorParameters<typeof WorkflowDeployed>[0]
  const seen = deployments.filter(({ environment, deployment_name }) => reaches(caller, environment, deployment_name))
  return new WorkflowDeployed({ workflow_id, deployments: seen })
}

/** The body may repeat the workflow's id, as existing clients do. */
function refuseOtherWorkflow(inPath: string, inBody: string | undefined): void {
  if (inBody === undefined || inBody.toLowerCase() === inPath.toLowerCase()) return
  const message = `'workflow_id' in the body is not the workflow of the address. Leave it out.`
  throw new InvalidInput({ errors: [{ pointer: '/workflow_id', code: 'not_allowed', message }] })
}
