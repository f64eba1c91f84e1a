import { toTimestamp } from '../clock.ts'
import { DAY_MS, dayOf, findReached, type BudgetUse } from '../engine/budget.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import type { Studio } from '../studio.ts'
import { tallyWebhooks, type WebhookTally } from '../webhooks/repository.ts'
import { WebhookTallySchema } from '../webhooks/view.ts'
import { findHold, type Hold } from './hold-repository.ts'
import { HoldSchema } from './hold-schemas.ts'
import type { DeploymentRecord } from './repository.ts'
import { DeploymentDetail } from './schemas.ts'

/** How it stands with what the runtime configuration of a deployment asks for. */
export interface Standing {
  hold: Hold | null
  budget_today?: { day: string; used: BudgetUse; exceeded: boolean; ends_at: string }
  webhooks?: WebhookTally
}

/** A deployment by itself, which says more than one in a list. */
export const DeploymentByItself = Type.Object(
  {
    ...DeploymentDetail.properties,
    hold: HoldSchema,
    budget_today: Type.Optional(
      Type.Object(
        {
          day: Type.String({ format: 'date' }),
          used: Type.Object({ tokens: Type.Integer(), cost: Type.Number({ description: 'US dollars.' }) }),
          exceeded: Type.Boolean(),
          ends_at: Time,
        },
        { description: 'Where the release has a budget for the day, in UTC: what is used of it.' },
      ),
    ),
    webhooks: Type.Optional(WebhookTallySchema),
  },
  { title: 'DeploymentByItself' },
)

export async function standingOf(
  { store, journal, clock }: Pick<Studio, 'store' | 'journal' | 'clock'>,
  { deployment_id, runtime_config }: DeploymentRecord,
): Promise<Standing> {
  const { budget, on_failure } = JSON.parse(runtime_config) as RuntimeConfig
  const standing: Standing = { hold: (await findHold(store.read, deployment_id)) ?? null }
  if (budget?.per_day) {
    const day = dayOf(clock.now())
    const used = journal.usedOn(deployment_id, day)
    const exceeded = findReached(budget.per_day, used) !== undefined
    standing.budget_today = {
      day: toTimestamp(day * DAY_MS).slice(0, 10),
      used,
      exceeded,
      ends_at: toTimestamp((day + 1) * DAY_MS),
    }
  }
  if (on_failure) standing.webhooks = await tallyWebhooks(store.read, deployment_id)
  return standing
}
