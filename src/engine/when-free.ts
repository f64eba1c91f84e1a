import { DeploymentBusy, type StudioError } from '../errors.ts'

/** When somebody may come again who found the queue of a deployment full, at the latest. Seconds. */
const LATEST_RETRY_S = 60

/** The same refusal, with when a place is likely to become free. @param interval milliseconds; undefined where nothing is known */
export function withRetryAfter(error: StudioError, intervalOf: (deploymentId: string) => number | undefined): StudioError {
  const details = error.details as ConstructorParameters<typeof DeploymentBusy>[0]
  const interval = intervalOf(details.deployment_id)
  if (interval === undefined) return error
  const retry_after = Math.min(Math.max(1, Math.ceil(interval / 1_000)), LATEST_RETRY_S)
  return new DeploymentBusy({ ...details, retry_after })
}
