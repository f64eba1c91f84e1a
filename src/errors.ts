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

/** How it stands with a limit, for those whose requests it counts. */
export interface LimitState {
  /** Which limit it is; the same word on every answer. */
  policy: string
  /** How much it allows: in `window` seconds or, without that, at a time. */
  quota: number
  window?: number
  remaining: number
  /** Seconds until more is there; undefined where nobody knows. */
  reset?: number
}

interface ReachedLimit {
  reached: LimitState
  /** Seconds. */
  retry_after: number
}

export abstract class StudioError extends Error {
  abstract readonly code: string
  abstract readonly status: number
  abstract readonly title: string
  /** Further members of the problem details (RFC 9457 §3.2), such as `errors` or `execution_id`. */
  readonly members: Record<string, unknown> = {}
  readonly details: object
  /** In how many seconds, as a whole number, it is worth trying again; undefined where that says nothing. */
  readonly retryAfter: number | undefined
  /** The limit that was reached. */
  readonly reached: LimitState | undefined

  constructor(message: string, details: object) {
    super(message)
    this.details = details
    const { retry_after, reached } = details as Partial<ReachedLimit>
    this.retryAfter = retry_after
    this.reached = reached
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

const seconds = (count: number) => `${count} ${count === 1 ? 'second' : 'seconds'}`
const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ') || 'any environment'

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

export const BodyFragmented = defineError(
  'body_fragmented',
  400,
  'The body comes in pieces that are too small',
  () => 'The body comes in so many small pieces that reading it is a burden. Send it whole, or in pieces of some kilobytes.',
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

export const PreconditionFailed = defineError(
  'precondition_failed',
  412,
  'It is not what the request expects',
  (d: { header: string; exists: boolean }) =>
    d.exists
      ? `It was changed since, or is there already, so that '${d.header}' does not hold and nothing was changed. Read it again, and send the ETag of that answer.`
      : `It is not there any more, so that '${d.header}' does not hold and nothing was changed. Read the list again.`,
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

export const TransferCodingUnsupported = defineError(
  'transfer_coding_unsupported',
  501,
  'The transfer coding is not known here',
  (d: { coding: string }) => `The body comes with 'Transfer-Encoding: ${d.coding}'; only 'chunked' is read here.`,
)

export const HttpVersionUnsupported = defineError(
  'http_version_unsupported',
  505,
  'The version of HTTP is not spoken here',
  (d: { version: string }) => `The request says that it is HTTP/${d.version}. Send it as HTTP/1.1.`,
)

export const HeaderTooLarge = defineError(
  'header_too_large',
  431,
  'The headers are too large',
  () => 'The request headers are larger than this server reads.',
)

// — Access —

export const KeyMissing = defineError(
  'key_missing',
  401,
  'An API key is needed',
  () =>
    "This server answers only those who send an API key, in the header 'Authorization: Bearer as_…'. On its own machine `agent-studio key create` makes one.",
)

/** One for all that may be wrong with a key: what is wrong with it is nobody's business who does not have it. */
export const KeyInvalid = defineError(
  'key_invalid',
  401,
  'The API key is not valid',
  () =>
    'The key in the Authorization header is not accepted: it is unknown, has expired or was revoked. Whoever administers this server can make another.',
)

export const KeyInUrl = defineError(
  'key_in_url',
  400,
  'A key does not belong in an address',
  () =>
    "Addresses end up in logs and histories, so a key in one is never accepted. Send it in the header 'Authorization: Bearer as_…', and if it was a real one, revoke it and make another.",
)

export const TooManyFailedKeys = defineError(
  'too_many_failed_keys',
  429,
  'Too many wrong keys came from this address',
  (d: { retry_after: number }) =>
    `Too many keys from this address were wrong. Mend the key, or wait ${seconds(d.retry_after)} before the next try; right keys are accepted meanwhile.`,
)

export const ScopeMissing = defineError(
  'scope_missing',
  403,
  'The API key may not do this',
  (d: { scope: string }) => `This needs a key with the scope '${d.scope}', which the one that was sent does not have.`,
  ['scope'],
)

export const NameOutsideKey = defineError(
  'name_outside_key',
  403,
  'The API key is for deployments of other names',
  (d: { name: string; deployment_pattern: string }) =>
    `This key is for deployments named '${d.deployment_pattern}', and '${d.name}' is not one of them.`,
)

export const KeyNotFound = defineError(
  'key_not_found',
  404,
  'There is no such API key',
  (d: { key_id: string }) => `No API key has the id '${d.key_id}'. GET /api/keys lists them.`,
)

export const KeyExceedsCreator = defineError(
  'key_exceeds_creator',
  403,
  'A key cannot make one that may do more',
  (d: { field: string; limit: string }) =>
    `The key that was sent cannot make one with more than it has itself: '${d.field}' may be no more than ${d.limit}. Leave it out to give the same.`,
)

export const NoAdminKey = defineError(
  'no_admin_key',
  409,
  'Nobody could administer the server',
  () =>
    "From the first key on every request needs one, and no key would be left that may manage keys. First make a key with the scope 'admin', for all environments and names.",
)

export const LastAdminKey = defineError(
  'last_admin_key',
  409,
  'It is the last key that can administer the server',
  (d: { key_id: string }) =>
    `Without '${d.key_id}' no key would be left that may manage keys. Make another one with the scope 'admin' first, or revoke it on the server's machine, with \`agent-studio key revoke\`.`,
)

export const LastKey = defineError(
  'last_key',
  409,
  'It is the last key',
  (d: { key_id: string }) =>
    `Without '${d.key_id}' there would be no key, and whoever reaches the server from its own machine could do everything. Make another one first.`,
)

export const SecretShownOnce = defineError(
  'secret_shown_once',
  409,
  'A secret is shown only once',
  (d: { made: string; id: string }) =>
    `The request of this Idempotency-Key has made ${d.made} '${d.id}' already, and its secret was in the first answer alone. If that is lost, remove '${d.id}' and make another with a new Idempotency-Key.`,
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
    d.deployments.length === 0
      ? `Workflow '${d.workflow_id}' still serves deployments that this key cannot see. They have to be stopped or deleted first.`
      : `Workflow '${d.workflow_id}' still serves ${d.deployments
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

// — Secrets and variables —

export const SecretsNotConfigured = defineError(
  'secrets_not_configured',
  503,
  'The server has no key for secrets',
  () =>
    'Secrets are encrypted with a key of yours, and this server was given none. Make one with `agent-studio secret keygen <file>`, set AGENT_STUDIO_SECRET_KEY_FILE to that file, and start the server again.',
)

export const SecretKeyUnusable = defineError(
  'secret_key_unusable',
  503,
  'The key file of secrets cannot be used',
  (d: { reason: string }) =>
    `The file that AGENT_STUDIO_SECRET_KEY_FILE names ${d.reason}. Nothing was changed. Mend the file; the server reads it again by itself.`,
)

export const SecretNotFound = defineError(
  'secret_not_found',
  404,
  'There is no such secret',
  (d: { environment: string; name: string }) => `Environment '${d.environment}' has no secret '${d.name}'. GET /api/secrets lists them.`,
)

export const VariableNotFound = defineError(
  'variable_not_found',
  404,
  'There is no such variable',
  (d: { environment: string; name: string }) =>
    `Environment '${d.environment}' has no variable '${d.name}'. GET /api/variables lists them.`,
)

interface StillUsed {
  environment: string
  name: string
  deployments: { deployment_name: string; environment: string }[]
}

const named = (deployments: StillUsed['deployments']) => quoted(deployments.map((one) => one.deployment_name))

export const SecretInUse = defineError(
  'secret_in_use',
  409,
  'Active deployments use the secret',
  (d: StillUsed) =>
    `Secret '${d.name}' of '${d.environment}' is used by ${named(d.deployments)}. Deploy them without it first, or delete it all the same with ?force=true; what needs it then fails.`,
  ['deployments'],
)

export const VariableInUse = defineError(
  'variable_in_use',
  409,
  'Active deployments use the variable',
  (d: StillUsed) =>
    `Variable '${d.name}' of '${d.environment}' is used by ${named(d.deployments)}. Deploy them without it first, or delete it all the same with ?force=true; what needs it then fails.`,
  ['deployments'],
)

export const EnvironmentFull = defineError(
  'environment_full',
  409,
  'The environment has no room for more',
  (d: { environment: string; what: string; most: string }) =>
    `Environment '${d.environment}' has room for ${d.most} of ${d.what}, and this would be more. Delete what nobody uses any more.`,
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

export const ApprovalNotOpen = defineError(
  'approval_not_open',
  409,
  'Nothing waits for a decision',
  (d: { execution_id: string; step_id?: string }) =>
    d.step_id === undefined
      ? `No step of execution ${d.execution_id} waits for a decision just now.`
      : `Step '${d.step_id}' of execution ${d.execution_id} does not wait for a decision just now.`,
)

export const ApprovalDecided = defineError(
  'approval_decided',
  409,
  'Somebody has decided already',
  (d: { step_id: string; decision: string; by: string | null }) =>
    `Step '${d.step_id}' was ${d.decision} already${d.by === null ? '' : ` by ${d.by}`}. The first decision counts.`,
  ['decision', 'by'],
)

export const TooManySignals = defineError(
  'too_many_signals',
  409,
  'The execution has too many signals',
  (d: { execution_id: string; limit: number }) =>
    `Execution ${d.execution_id} was sent ${d.limit} signals, which is the limit. Nothing seems to wait for them.`,
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
    `The execution was ended after its timeout of ${seconds(d.timeout)}. Raise 'timeout' in the runtime configuration, or find the slow step under its steps.`,
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
  (d: StepFailure & { model: string; variable: string; environment?: string }) =>
    d.environment
      ? `Model '${d.model}' needs ${d.variable}, which is neither a secret of '${d.environment}' nor an environment variable of the server. Store it with PUT /api/secrets/${d.environment}/${d.variable}; or set the variable, or put it in .env, and start the server again.`
      : `Model '${d.model}' needs the environment variable ${d.variable}, which is not set. Set it (or put it in .env) and start the server again.`,
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

export const SecretMissing = defineError(
  'secret_missing',
  502,
  'A secret that is needed is not there',
  (d: StepFailure & { environment: string; name: string }) =>
    `Secret '${d.name}' is needed, and environment '${d.environment}' does not have it any more. Store it with PUT /api/secrets/${d.environment}/${d.name}; nothing need be deployed again.`,
  ['execution_id', 'step_id'],
)

export const SecretUnreadable = defineError(
  'secret_unreadable',
  502,
  'A secret cannot be decrypted',
  (d: StepFailure & { environment: string; name: string; key_id: string; why: 'no_key' | 'damaged' }) =>
    d.why === 'no_key'
      ? `Secret '${d.name}' of '${d.environment}' is encrypted with key ${d.key_id}, which is not in the key file. Put that key back as a further line, or store the secret again.`
      : `Secret '${d.name}' of '${d.environment}' does not decrypt with its key ${d.key_id}: what is stored was damaged or changed. Store the secret again.`,
  ['execution_id', 'step_id'],
)

export const AgentTurnLimit = defineError(
  'agent_turn_limit',
  502,
  'The agent did not come to an end',
  (d: StepFailure & { agent: string; limit: number }) =>
    `Agent '${d.agent}' called its tools in ${d.limit} turns without giving an answer, which is the limit.`,
  ['execution_id', 'step_id'],
)

export const AgentLimit = defineError(
  'agent_limit',
  502,
  'An agent has used up what its limits allow',
  (d: StepFailure & { agent: string; limit: string; allowed: number; used: number | null }) =>
    d.used === null
      ? `Agent '${d.agent}' has '${d.limit}' at ${d.allowed}, and what the execution has cost is not known, since a model it called has no price. Name it in the file of AGENT_STUDIO_PRICES.`
      : `Agent '${d.agent}' has '${d.limit}' at ${d.allowed}, and the execution has used ${d.used} of it. Raise the limit, or let the agent do less.`,
  ['execution_id', 'step_id', 'limit'],
)

export const ToolFailed = defineError('tool_failed', 502, 'A tool failed', (d: StepFailure & { reason: string }) => d.reason, [
  'execution_id',
  'step_id',
])

export const ToolChanged = defineError(
  'tool_changed',
  409,
  'A tool is not what it was when the workflow was deployed',
  (d: StepFailure & { tool: string; server: string; what: string }) =>
    `The tool '${d.tool}' of ${d.server} ${d.what} since the workflow was deployed, so it was not called. Look at what it is now, and deploy again.`,
  ['execution_id', 'step_id'],
)

export const StructuredOutputInvalid = defineError(
  'structured_output_invalid',
  502,
  'The model does not answer as the schema says',
  (d: StepFailure & { agent: string; tries: number; errors: Issue[] }) =>
    `Agent '${d.agent}' did not answer as its 'output_schema' says in ${d.tries} tries: ${d.errors[0]?.message ?? 'it is not as it should be.'}`,
  ['execution_id', 'step_id', 'errors'],
)

export const StepInputInvalid = defineError(
  'step_input_invalid',
  422,
  'A step cannot work with what it was given',
  (d: StepFailure & { what: string }) => `Step '${d.step_id}' cannot run: ${d.what}.`,
  ['execution_id', 'step_id'],
)

export const HttpStepFailed = defineError(
  'http_step_failed',
  502,
  'A server answered a step with an error',
  (d: StepFailure & { method: string; url: string; answer_status: number; excerpt?: string }) =>
    `${d.method} ${d.url} was answered with ${d.answer_status}${d.excerpt ? `: ${d.excerpt}` : '.'}`,
  ['execution_id', 'step_id', 'answer_status'],
)

export const StepOutputInvalid = defineError(
  'step_output_invalid',
  502,
  'A step got an answer that it cannot use',
  (d: StepFailure & { what: string }) => `Step '${d.step_id}' got an answer that it cannot use: ${d.what}.`,
  ['execution_id', 'step_id'],
)

export const SignalMissed = defineError(
  'signal_missed',
  504,
  'A signal did not come in time',
  (d: StepFailure & { name: string; deadline: number }) =>
    `Step '${d.step_id}' waited ${seconds(d.deadline)} for the signal '${d.name}', which did not come.`,
  ['execution_id', 'step_id'],
)

export const ApprovalMissed = defineError(
  'approval_missed',
  504,
  'Nobody decided in time',
  (d: StepFailure & { deadline: number }) => `Nobody approved or rejected step '${d.step_id}' within ${seconds(d.deadline)}.`,
  ['execution_id', 'step_id'],
)

export const LoopLimit = defineError(
  'loop_limit',
  422,
  'A loop did not come to an end',
  (d: StepFailure & { limit: number }) =>
    `The loop '${d.step_id}' has run ${d.limit} times without its condition holding, which is its limit. Look at what its iterations gave, or raise 'max_iterations'.`,
  ['execution_id', 'step_id'],
)

export const ExecutionTooLarge = defineError(
  'execution_too_large',
  422,
  'The execution records too much',
  (d: StepFailure & { exceeded: 'steps' | 'characters'; limit: number }) =>
    d.exceeded === 'steps'
      ? `The execution was ended because it has more than ${d.limit} steps. Let its maps and loops do less, or start several executions.`
      : `The execution was ended because what its steps were given and gave is more than ${d.limit} characters. Let them hand on less, such as where a document is instead of the document.`,
  ['execution_id', 'step_id'],
)

/** Where in a template: line and column from 1, and within a mapping the pointer to the text. */
interface TemplatePlace {
  pointer?: string
  line?: number
  column?: number
}

const placeOf = ({ pointer, line, column }: TemplatePlace): string =>
  `${pointer === undefined ? '' : ` at ${pointer}`}${line === undefined ? '' : ` in line ${line}`}${column === undefined ? '' : `, column ${column}`}`

export const TemplateFailed = defineError(
  'template_failed',
  422,
  'A template could not be filled in',
  (d: StepFailure & TemplatePlace & { reason: string; path?: string }) => `The template failed${placeOf(d)}: ${d.reason}.`,
  ['execution_id', 'step_id', 'path'],
)

export const TemplateLimit = defineError(
  'template_limit',
  422,
  'A template took too much',
  (d: StepFailure & TemplatePlace & { exceeded: 'time' | 'size' | 'depth'; milliseconds: number; characters: number }) =>
    ({
      time: `The template was stopped${placeOf(d)} after ${d.milliseconds} ms. Give it less data, or compute it in a code step.`,
      size: `The template was stopped${placeOf(d)}: it makes more than ${d.characters} characters. Give it less data, or take only the part that is needed.`,
      depth: `The template was stopped${placeOf(d)}: its data is nested too deep.`,
    })[d.exceeded],
  ['execution_id', 'step_id'],
)

export const ConditionNotBoolean = defineError(
  'condition_not_boolean',
  422,
  'A condition is neither true nor false',
  (d: StepFailure & { condition: string; found: string }) =>
    `The condition '${d.condition}' gave ${d.found}, which is neither true nor false. Compare it with something, for example with == or >.`,
  ['execution_id', 'step_id'],
)

export const SchemaMismatch = defineError(
  'schema_mismatch',
  422,
  'A value does not fit its schema',
  (d: StepFailure & { what: string; errors: Issue[] }) =>
    `${d.what} does not fit its schema${d.errors.length > 1 ? ` in ${d.errors.length} places` : ''}: ${d.errors[0]?.message ?? 'it is not as it should be.'}`,
  ['execution_id', 'step_id', 'errors'],
)

export const StepInterrupted = defineError(
  'step_interrupted',
  502,
  'A step was interrupted too often',
  (d: StepFailure & { crashes: number }) =>
    `Step '${d.step_id}' was running each of the ${d.crashes} times that the server stopped abruptly, so it is not tried again.`,
  ['execution_id', 'step_id'],
)

// — Limits —

export const KeyRateLimited = defineError(
  'key_rate_limited',
  429,
  'The API key has used up its requests',
  ({ reached, retry_after }: ReachedLimit) =>
    `This API key may send ${reached.quota} requests in ${seconds(reached.window!)}, and has sent them. Try again in ${seconds(retry_after)}.`,
  ['retry_after'],
)

export const KeyBusy = defineError(
  'key_busy',
  429,
  'The API key has as many executions in flight as it may',
  ({ reached, retry_after }: ReachedLimit) =>
    `This API key may have ${reached.quota} executions queued or running, and has them. Wait for one of them to end, and try again, not before ${seconds(retry_after)}.`,
  ['retry_after'],
)

export const DeploymentRateLimited = defineError(
  'deployment_rate_limited',
  429,
  'The deployment has taken as many executions as it may',
  ({ name, environment, reached, retry_after }: ReachedLimit & { name: string; environment: string }) =>
    `Deployment '${name}' in '${environment}' takes ${reached.quota} executions in ${seconds(reached.window!)}, and has taken them. Try again in ${seconds(retry_after)}.`,
  ['retry_after'],
)

export const DeploymentBusy = defineError(
  'deployment_busy',
  429,
  'The queue of the deployment is full',
  ({
    name,
    environment,
    reached,
    queue,
    retry_after,
  }: ReachedLimit & { deployment_id: string; name: string; environment: string; queue: number }) =>
    `Deployment '${name}' in '${environment}' runs ${reached.quota} executions at a time and lets ${queue} more wait; all these places are taken. Try again in ${seconds(retry_after)}.`,
  ['retry_after'],
)

// — What a workflow asks of others over HTTP —

interface OutgoingFailure extends StepFailure {
  /** Whom the workflow asked, as `https://api.example.com`: the rest of a URL may be secret. */
  origin: string
  /** It failed where a redirect led to, which the workflow has not written. */
  redirected?: boolean
}

const whom = (d: OutgoingFailure): string => (d.redirected ? `A redirect of '${d.origin}'` : `'${d.origin}'`)

export const OutgoingRequestInvalid = defineError(
  'outgoing_request_invalid',
  502,
  'The request cannot be sent',
  (d: StepFailure & { reason: string }) => d.reason,
  ['execution_id', 'step_id'],
)

export const AddressNotAllowed = defineError(
  'address_not_allowed',
  502,
  'Workflows may not reach this address',
  (d: OutgoingFailure) =>
    `${whom(d)} leads to an address that is not public, and workflows reach no other. Whoever runs the server can list it in AGENT_STUDIO_PRIVATE_ADDRESSES.`,
  ['execution_id', 'step_id'],
)

export const RedirectNotFollowed = defineError(
  'redirect_not_followed',
  502,
  'The redirect was not followed',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} redirects, and that was not followed: ${d.reason}`,
  ['execution_id', 'step_id'],
)

export const OutgoingFailed = defineError(
  'outgoing_failed',
  502,
  'The other server could not be asked',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} could not be asked: ${d.reason}`,
  ['execution_id', 'step_id'],
)

export const OutgoingTimedOut = defineError(
  'outgoing_timeout',
  504,
  'The other server took too long',
  (d: OutgoingFailure & { seconds: number; phase: 'connection' | 'beginning' | 'end' }) =>
    `${whom(d)} took longer than ${d.seconds} ${d.seconds === 1 ? 'second' : 'seconds'}, which is the limit ${
      { connection: 'for a connection', beginning: 'for the beginning of an answer', end: 'for a whole answer' }[d.phase]
    }.`,
  ['execution_id', 'step_id'],
)

export const OutgoingAnswerTooLarge = defineError(
  'answer_too_large',
  502,
  'The answer of the other server is too large',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} answered with too much: ${d.reason}`,
  ['execution_id', 'step_id'],
)

export const OutgoingAnswerUnreadable = defineError(
  'answer_unreadable',
  502,
  'The answer of the other server cannot be read',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} gave an answer that cannot be read: ${d.reason}`,
  ['execution_id', 'step_id'],
)

// — Code that users write —

/** What it logged until then: for whoever looks into the failed attempt, not for the caller. */
interface CodeFailure extends StepFailure {
  logs?: string[]
}

export const CodeFailed = defineError(
  'code_failed',
  422,
  'The code failed',
  (d: CodeFailure & { reason: string; line?: number }) => `The code failed${d.line === undefined ? '' : ` in line ${d.line}`}: ${d.reason}`,
  ['execution_id', 'step_id', 'line'],
)

export const CodeTimedOut = defineError(
  'code_timed_out',
  422,
  'The code took too long',
  (d: StepFailure & { timeout_ms: number }) =>
    `The code was ended after ${d.timeout_ms} milliseconds, which is its timeout. Look for a loop that does not end, or let it do less.`,
  ['execution_id', 'step_id'],
)

export const CodeOutOfMemory = defineError(
  'code_out_of_memory',
  422,
  'The code needs too much memory',
  (d: CodeFailure & { memory_bytes: number }) =>
    `The code was ended because it needs more than ${Math.round(d.memory_bytes / 2 ** 20)} MiB of memory. Let it hold less at a time.`,
  ['execution_id', 'step_id'],
)

export const CodeInputInvalid = defineError(
  'code_input_invalid',
  422,
  'The code cannot be given its input',
  (d: StepFailure & { reason: string }) => `What the code would be given ${d.reason}.`,
  ['execution_id', 'step_id'],
)

export const CodeOutputInvalid = defineError(
  'code_output_invalid',
  422,
  'The code does not return JSON',
  (d: CodeFailure & { path: string; reason: string }) =>
    `What the code returns must be JSON, but ${d.path === '' ? 'it' : `'${d.path}' in it`} ${d.reason}.`,
  ['execution_id', 'step_id'],
)

export const SandboxFailed = defineError(
  'sandbox_failed',
  503,
  'The server could not run the code',
  (d: StepFailure) =>
    `${d.step_id === undefined ? 'The code' : `The code of step '${d.step_id}'`} could not be run, because the process for it did not start or has ended. The log of the server has the details.`,
  ['execution_id', 'step_id'],
)

// — The server —

export const ServerBusy = defineError(
  'server_busy',
  503,
  'The server has too much to do',
  (d: { retry_after: number }) =>
    `The server has more to do than it gets done, so it refused this request and did nothing of it. Try again in ${seconds(d.retry_after)}.`,
  ['retry_after'],
)

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
