import { Counter } from './counter.ts'
import type { Metric } from './metric.ts'

/** The webhooks that tell of failed executions. */
export class WebhookMetrics {
  readonly #attempts = new Counter('agent_studio_webhook_attempts_total', 'Attempts to deliver a webhook about a failed execution.', [
    'outcome',
  ])
  #pending = 0
  #dropped = 0

  get metrics(): Metric[] {
    return [
      this.#attempts,
      {
        name: 'agent_studio_webhooks_pending',
        type: 'gauge',
        help: 'Webhooks about failed executions that are yet to be delivered.',
        labels: [],
        collect: (sample) => sample([], this.#pending),
      },
      {
        name: 'agent_studio_webhooks_dropped',
        type: 'gauge',
        help: 'Webhooks of the deployments there are that were not even tried, because too many of theirs waited.',
        labels: [],
        collect: (sample) => sample([], this.#dropped),
      },
    ]
  }

  /** @param outcome `failed` is followed by another attempt */
  attempted(outcome: 'delivered' | 'failed' | 'given_up'): void {
    this.#attempts.add(1, outcome)
  }

  /** Takes what there is at this moment. */
  show({ pending, dropped }: { pending: number; dropped: number }): void {
    this.#pending = pending
    this.#dropped = dropped
  }
}
