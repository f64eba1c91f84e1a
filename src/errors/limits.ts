import { defineError, type ReachedLimit } from './catalogue.ts'
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
