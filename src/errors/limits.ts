import { defineError, type ReachedLimit, type StepFailure } from './catalogue.ts'
import { seconds } from './words.ts'

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

export const ConversationBusy = defineError(
  'conversation_busy',
  429,
  'Too many executions wait in the conversation',
  ({ session_id, reached, retry_after }: ReachedLimit & { session_id: string }) =>
    `The executions of session '${session_id}' run one after the other, and ${reached.quota} of them wait already. Wait for their answers, and try again, not before ${seconds(retry_after)}.`,
  ['retry_after'],
)

const amount = (unit: 'tokens' | 'cost', value: number): string => (unit === 'tokens' ? `${value} tokens` : `US$ ${value}`)

export const DeploymentBudgetUsed = defineError(
  'deployment_budget_used',
  429,
  'The budget of the deployment for today is used up',
  ({
    name,
    environment,
    unit,
    allowed,
    retry_after,
  }: ReachedLimit & { name: string; environment: string; unit: 'tokens' | 'cost'; allowed: number; used: number }) =>
    `Deployment '${name}' in '${environment}' may use ${amount(unit, allowed)} a day, and has used them. The next day in UTC begins in ${seconds(retry_after)}; until then, raise 'budget' in its runtime configuration or wait.`,
  ['retry_after', 'unit', 'allowed', 'used'],
)

export const BudgetExceeded = defineError(
  'budget_exceeded',
  422,
  'The budget is used up',
  ({
    scope,
    unit,
    allowed,
    used,
    model,
  }: StepFailure & { scope: 'execution' | 'day'; unit: 'tokens' | 'cost'; allowed: number; used: number | null; model?: string }) => {
    const whose = scope === 'execution' ? 'An execution' : 'The deployment'
    const may = `${whose} may use ${amount(unit, allowed)}${scope === 'day' ? ' a day' : ''}`
    return used === null
      ? `${may}, and model '${model}' has no price, so it was not called. Name it in the file of AGENT_STUDIO_PRICES, or give the budget in tokens.`
      : `${may}, and ${amount(unit, used)} are used, so no further model was called. Raise 'budget' in the runtime configuration, or let the agents do less.`
  },
  ['execution_id', 'step_id', 'scope', 'unit', 'allowed', 'used'],
)
