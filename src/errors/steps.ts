import { defineError, type Issue, type StepFailure } from './catalogue.ts'
import { seconds } from './words.ts'

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

export const AgentNestingLimit = defineError(
  'agent_nesting_limit',
  502,
  'An agent works for itself too often',
  (d: StepFailure & { agent: string; limit: number }) =>
    `Agent '${d.agent}' called another agent, which handed over to it, and so on, ${d.limit} times within each other, which is the limit.`,
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
