/**
 * The catalogue of everything that can go wrong in a way that a user can act on. Code throws these; one file at the edge
 * (`http/problem.ts`) turns them into RFC 9457 problem details. Tests and clients branch on `code`, never on the text.
 * Each code has an entry in docs/errors.md; a test keeps both in step.
 */

/** One problem within an input: where (RFC 6901 pointer, or the name of a query parameter), which, and what to do. */
export interface Issue {
  pointer: string
  code: string
  message: string
}

/** A remark on something that was accepted all the same. */
export interface Warning {
  code: string
  message: string
  pointer?: string
}

/** What survives a thread or a database row: enough to rebuild the error on the other side. */
export interface SerializedError {
  code: string
  details: object
}

export abstract class StudioError extends Error {
  abstract readonly code: string
  abstract readonly status: number
  abstract readonly title: string
  /** Further members of the problem details (RFC 9457 §3.2), such as `errors` or `execution_id`. */
  readonly members: Record<string, unknown> = {}
  readonly details: object

  constructor(message: string, details: object) {
    super(message)
    this.details = details
  }

  serialize(): SerializedError {
    return { code: this.code, details: this.details }
  }
}

export interface ErrorClass<D extends object> {
  new (details: D): StudioError
  readonly code: string
  readonly status: number
  readonly title: string
}

const catalogue = new Map<string, ErrorClass<never>>()

/**
 * Adds an error to the catalogue.
 * @param message a sentence that a person can act on
 * @param members which details the problem shows as members of their own
 */
function defineError<D extends object>(
  code: string,
  status: number,
  title: string,
  message: (details: D) => string,
  members: readonly (keyof D & string)[] = [],
): ErrorClass<D> {
  const defined = class extends StudioError {
    static readonly code = code
    static readonly status = status
    static readonly title = title
    override readonly code = code
    override readonly status = status
    override readonly title = title

    constructor(details: D) {
      super(message(details), details)
      this.name = code
      for (const member of members) if (details[member] !== undefined) this.members[member] = details[member]
    }
  }
  if (catalogue.has(code)) throw new Error(`error code ${code} is defined twice`)
  catalogue.set(code, defined as unknown as ErrorClass<never>)
  return defined
}

export function errorCatalogue(): { code: string; status: number; title: string }[] {
  return [...catalogue.values()].map(({ code, status, title }) => ({ code, status, title }))
}

/** Rebuilds an error that crossed a thread or was stored. An unknown code is a fault of ours. */
export function deserializeError(error: SerializedError): StudioError {
  const found = catalogue.get(error.code)
  if (!found) return new InternalError({})
  return new found(error.details as never)
}

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ')

// — Requests —

export const MalformedBody = defineError(
  'malformed_body',
  400,
  'The body cannot be read',
  (d: { reason: string }) => `The body is not readable JSON: ${d.reason}`,
)

export const MalformedRequest = defineError('malformed_request', 400, 'The request cannot be read', (d: { reason: string }) => d.reason)

export const CrossSiteRequest = defineError(
  'cross_site_request',
  403,
  'Requests from other sites are refused',
  () => 'A page of another site tried to change something here. Call the API from a program, or from a page that this server serves.',
)

export const RouteNotFound = defineError(
  'route_not_found',
  404,
  'There is no such address',
  (d: { method: string; path: string }) => `Nothing answers ${d.method} ${d.path}. GET /openapi.json lists every route.`,
)

export const MethodNotAllowed = defineError(
  'method_not_allowed',
  405,
  'This address does not take that method',
  (d: { method: string; path: string; allowed: string[] }) => `${d.path} does not take ${d.method}; it takes ${d.allowed.join(', ')}.`,
)

export const RequestTimeout = defineError(
  'request_timeout',
  408,
  'The request took too long to arrive',
  () => 'The whole request did not arrive in time. Send it again over a faster connection.',
)

export const BodyTooLarge = defineError(
  'body_too_large',
  413,
  'The body is too large',
  (d: { limit: number }) => `The body may have at most ${d.limit} bytes here.`,
)

export const UnsupportedMediaType = defineError(
  'unsupported_media_type',
  415,
  'The body is of a type that is not read here',
  (d: { received: string }) => `Send the body as application/json in UTF-8; it came as ${d.received}.`,
)

export const UnknownHost = defineError(
  'unknown_host',
  421,
  'This server does not go by that name',
  (d: { host: string }) =>
    `The Host header says '${d.host}', which is not a name of this server. Add it to AGENT_STUDIO_ALLOWED_HOSTS if it should be.`,
)

export const InvalidInput = defineError(
  'invalid_input',
  422,
  'The input is not valid',
  (d: { errors: Issue[] }) =>
    d.errors.length === 1 ? d.errors[0]!.message : `${d.errors.length} problems were found; 'errors' lists each with its place.`,
  ['errors'],
)

export const IdempotencyKeyReused = defineError(
  'idempotency_key_reused',
  422,
  'The Idempotency-Key belongs to another request',
  (d: { key: string }) =>
    `The Idempotency-Key '${d.key}' was sent to this address before, with another body or query. Take a new key for a new request.`,
)

export const IdempotencyInProgress = defineError(
  'idempotency_in_progress',
  409,
  'The request of this Idempotency-Key is still running',
  (d: { execution_id?: string }) =>
    d.execution_id
      ? `Execution ${d.execution_id}, which this Idempotency-Key started, has not ended. GET /api/executions/${d.execution_id} tells how it goes; once it has ended, the same request gets its answer.`
      : 'The request that this Idempotency-Key was first sent with is being answered. Send it again in a moment.',
  ['execution_id'],
)

export const HeaderTooLarge = defineError(
  'header_too_large',
  431,
  'The headers are too large',
  () => 'The request headers are larger than this server reads.',
)

// — Workflows and agents —

export const WorkflowNotFound = defineError(
  'workflow_not_found',
  404,
  'There is no such workflow',
  (d: { workflow_id: string }) => `No workflow has the id '${d.workflow_id}'. GET /api/workflows lists them.`,
)

export const WorkflowExists = defineError(
  'workflow_exists',
  409,
  'A workflow of this name and version exists',
  (d: { name: string; version: string; workflow_id: string }) =>
    `A workflow named '${d.name}' of version '${d.version}' exists already (${d.workflow_id}). Change it, or choose another name or version.`,
  ['workflow_id'],
)

export const WorkflowNotEditable = defineError(
  'workflow_not_editable',
  409,
  'The workflow is locked',
  (d: { workflow_id: string }) => `Workflow '${d.workflow_id}' has is_editable: false. Set is_editable to true first, or in the same PUT.`,
)

export const WorkflowChanged = defineError(
  'workflow_changed',
  409,
  'The workflow changed meanwhile',
  (d: { workflow_id: string }) => `Workflow '${d.workflow_id}' was changed by somebody else at the same time. Try again.`,
)

export const WorkflowDeployed = defineError(
  'workflow_deployed',
  409,
  'The workflow has active deployments',
  (d: { workflow_id: string; deployments: { deployment_name: string; environment: string }[] }) =>
    `Workflow '${d.workflow_id}' still serves ${d.deployments
      .map((one) => `'${one.deployment_name}' in ${one.environment}`)
      .join(', ')}. Stop or delete these deployments first.`,
  ['deployments'],
)

export const WorkflowInvalid = defineError(
  'workflow_invalid',
  422,
  'The workflow cannot be deployed as it is',
  (d: { workflow_id: string; errors: Issue[] }) =>
    `Workflow '${d.workflow_id}' has ${d.errors.length === 1 ? 'a problem' : `${d.errors.length} problems`}: ${d.errors[0]!.message}`,
  ['errors'],
)

export const NodeExists = defineError(
  'node_exists',
  409,
  'The workflow has a node of this id',
  (d: { node_id: string }) => `The workflow has a node '${d.node_id}' already. Choose another node_id.`,
)

export const AgentNotFound = defineError(
  'agent_not_found',
  404,
  'There is no such agent',
  (d: { agent: string }) => `No agent is registered as '${d.agent}'. GET /api/agents lists them.`,
)

export const AgentExists = defineError(
  'agent_exists',
  409,
  'An agent of this name exists',
  (d: { name: string; agent_id: string }) => `An agent named '${d.name}' is registered already (${d.agent_id}).`,
  ['agent_id'],
)

// — Deployments —

export const DeploymentNotFound = defineError(
  'deployment_not_found',
  404,
  'There is no such deployment',
  (d: { name: string; searched: string[] }) =>
    `No deployment is named '${d.name}' in ${quoted(d.searched)}. GET /api/workflows/deployments lists them.`,
)

export const DeploymentInactive = defineError(
  'deployment_inactive',
  404,
  'The deployment is stopped',
  (d: { name: string; environment: string }) =>
    `Deployment '${d.name}' in '${d.environment}' is stopped and takes no executions. POST /api/workflows/deployments/${d.name}/reactivate starts it again.`,
)

export const DeploymentNotInactive = defineError(
  'deployment_not_inactive',
  404,
  'There is no stopped deployment of that name',
  (d: { name: string; environment: string }) =>
    `Deployment '${d.name}' in '${d.environment}' is active already; there is nothing to reactivate.`,
)

export const WorkflowNotDeployed = defineError(
  'workflow_not_deployed',
  404,
  'The workflow has no active deployment',
  (d: { workflow_id: string; name?: string; searched: string[] }) =>
    `No active deployment${d.name === undefined ? '' : ` named '${d.name}'`} serves workflow '${d.workflow_id}' in ${quoted(d.searched)}. Deploy it first.`,
)

// — Executions —

export const ExecutionNotFound = defineError(
  'execution_not_found',
  404,
  'There is no such execution',
  (d: { execution_id: string }) => `No execution has the id '${d.execution_id}'; it may have been removed, or its deployment deleted.`,
)

export const ExecutionCancelled = defineError(
  'execution_cancelled',
  409,
  'The execution was cancelled',
  (d: { execution_id?: string }) => `${d.execution_id ? `Execution ${d.execution_id}` : 'The execution'} was cancelled before it ended.`,
  ['execution_id'],
)

export const ExecutionEnded = defineError(
  'execution_ended',
  409,
  'The execution has ended',
  (d: { execution_id: string; status: string }) => `Execution ${d.execution_id} has ended already; it is ${d.status}.`,
  ['execution_id'],
)

export const ExecutionRunning = defineError(
  'execution_running',
  409,
  'The execution is in flight',
  (d: { execution_id: string }) =>
    `Execution ${d.execution_id} has not ended. Cancel it first, with POST /api/executions/${d.execution_id}/cancel, or wait for its end.`,
  ['execution_id'],
)

export const ExecutionNotFailed = defineError(
  'execution_not_failed',
  409,
  'The execution has not failed',
  (d: { execution_id: string; status: string }) => `Only a failed execution can be resumed, and ${d.execution_id} is ${d.status}.`,
  ['execution_id'],
)

export const ExecutionTimedOut = defineError(
  'execution_timeout',
  504,
  'The execution took too long',
  (d: { timeout: number; execution_id?: string }) =>
    `The execution was ended after its timeout of ${d.timeout} ${d.timeout === 1 ? 'second' : 'seconds'}. Raise 'timeout' in the runtime configuration, or find the slow step under its steps.`,
  ['execution_id'],
)

interface StepFailure {
  step_id?: string
  execution_id?: string
}

export const ModelNotConfigured = defineError(
  'model_not_configured',
  502,
  'The model provider is not configured',
  (d: StepFailure & { model: string; variable: string }) =>
    `Model '${d.model}' needs the environment variable ${d.variable}, which is not set. Set it (or put it in .env) and start the server again.`,
  ['execution_id', 'step_id'],
)

export const ModelUnknown = defineError(
  'model_unknown',
  502,
  'No provider is known for the model',
  (d: StepFailure & { model: string }) =>
    `No provider is known for model '${d.model}'. Write it as provider/model, for example openai/${d.model}.`,
  ['execution_id', 'step_id'],
)

export const ModelRefused = defineError(
  'model_refused',
  502,
  'The model provider refused the call',
  (d: StepFailure & { model: string; reason: string; provider_status?: number }) =>
    `Model '${d.model}' refused the call${d.provider_status ? ` with status ${d.provider_status}` : ''}, and a retry could not succeed: ${d.reason}`,
  ['execution_id', 'step_id', 'provider_status'],
)

export const ModelFailed = defineError(
  'model_failed',
  502,
  'The model call failed',
  (d: StepFailure & { model: string; reason: string; provider_status?: number }) =>
    `Model '${d.model}' failed${d.provider_status ? ` with status ${d.provider_status}` : ''}: ${d.reason}`,
  ['execution_id', 'step_id', 'provider_status'],
)

export const AgentTurnLimit = defineError(
  'agent_turn_limit',
  502,
  'The agent did not come to an end',
  (d: StepFailure & { agent: string; limit: number }) =>
    `Agent '${d.agent}' called its tools in ${d.limit} turns without giving an answer, which is the limit.`,
  ['execution_id', 'step_id'],
)

export const StepInterrupted = defineError(
  'step_interrupted',
  502,
  'A step was interrupted too often',
  (d: StepFailure & { crashes: number }) =>
    `Step '${d.step_id}' was running each of the ${d.crashes} times that the server stopped abruptly, so it is not tried again.`,
  ['execution_id', 'step_id'],
)

// — The server —

export const InternalError = defineError(
  'internal_error',
  500,
  'Something is wrong in the server',
  (_details: { execution_id?: string }) => 'This is a fault of the server, not of the request. Its log has the details.',
  ['execution_id'],
)

export const StorageUnknown = defineError(
  'storage_unknown',
  503,
  'The outcome of the write is unknown',
  () =>
    'The disk reported an error while this was written, so it may or may not have happened. Repeat it with the same Idempotency-Key once the server is back, and it happens once; without a key, look it up first.',
)

export const ShuttingDown = defineError(
  'shutting_down',
  503,
  'The server is stopping',
  (d: { execution_id?: string }) =>
    d.execution_id
      ? `The server is stopping. Execution ${d.execution_id} goes on when it is started again; GET /api/executions/${d.execution_id} tells how it ends.`
      : 'The server is stopping and takes no new work. Try again in a moment.',
  ['execution_id'],
)

export const StorageFull = defineError(
  'storage_full',
  507,
  'The disk is full',
  (d: { execution_id?: string }) =>
    d.execution_id
      ? `There is no room left on the disk of the database. Free some space, and execution ${d.execution_id} goes on by itself; GET /api/executions/${d.execution_id} tells how it ends.`
      : 'There is no room left on the disk of the database, so nothing was changed. Free some space and try again.',
  ['execution_id'],
)
